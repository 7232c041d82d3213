import Bytes
import Crypto
import EventLoop
import HTTP
import JSON
import Model
import RBAC
import Store

/// One request on its way through the stages: what came in, and what each stage has found out so far.
struct Exchange: Sendable {
    /// On every log line and transaction that this request leads to, and in its error document.
    let id: String
    /// Changes only in the interceptor stage.
    var request: HTTPRequest
    let connection: ConnectionInfo
    /// Milliseconds since 1970 when it came in.
    let time: Int64
    let base: BaseURL
    let path: APIPath
    let query: QueryItems
    /// Fresh again when a change has to be planned anew.
    var view: StoreView

    // Found by the stages, in their order.

    /// Set by identify.
    var caller: Caller = .nobody
    /// The environment that the request acts in; set by scope.
    var project: AccountRecord?
    var projectNumber: UInt64?
    /// The revision at which this request changed something; 0 while it has not.
    var committed: UInt64 = 0
    /// The type that the path names; set by authorise early.
    var definition: ResourceDefinition?

    /// The method, after the override that forms without PUT and DELETE use.
    var method: String {
        (query["_method"] ?? request.method).uppercased()
    }

    var rights: Rights { Rights(caller: caller, project: projectNumber) }

    var links: Links { Links(base: base, project: path.project) }

    var renderer: Renderer {
        Renderer(
            links: links, rights: rights,
            usesActionLinks: request.headers.contains("x-api-action-links") || query["_actionLinks"] != nil,
            registration: RegistrationPlace(view: view, base: base))
    }

    /// The first address of `X-Forwarded-For`, else the socket's peer.
    var clientIP: String {
        guard let first = request.headers["x-forwarded-for"]?.split(separator: ",").first else {
            return connection.peer.host ?? "local"
        }
        return String(first.filter { $0 != " " })
    }

    /// The body with query parameters beneath it (contract 1.1): body members win.
    ///
    /// - Throws: 400 with the position for malformed JSON. A document that is no object counts as empty.
    func body() throws(Problem) -> JSONObject {
        var members = JSONObject()
        for item in query.items where !item.name.hasPrefix("_") && item.name != "action" {
            members[item.name] = .string(item.value)
        }
        guard !request.body.isEmpty else { return members }
        let type: String = request.headers["content-type"]?.lowercased() ?? ""
        // Some clients send JSON under the type of forms; no form begins with a brace.
        if type.hasPrefix("application/x-www-form-urlencoded"), request.body.first != UInt8(ascii: "{") {
            guard let form = QueryItems(String(decoding: request.body, as: UTF8.self)) else {
                throw .invalidBody("The form in the body has an invalid escape.")
            }
            for item in form.items { members[item.name] = .string(item.value) }
            return members
        }
        do throws(JSONError) {
            for (key, value) in try JSONReader.parse(request.body).object ?? [:] { members[key] = value }
        } catch {
            throw .invalidBody("The body is not JSON: \(error).")
        }
        return members
    }
}

/// Who asks, and how that is known.
struct Caller: Sendable {
    var subject: Subject
    /// The account that the credential speaks for.
    var account: AccountRecord?
    var accountNumber: UInt64?
    /// `apiKey`, `agentApiKey`, `registrationToken`, `none`.
    var authType: String
    var credentialNumber: UInt64?

    static let nobody = Caller(subject: .anonymous, authType: "none")

    /// The rendered account id, for audit and transactions.
    var name: String { accountNumber.map { ResourceID(number: $0).rendered("a") } ?? "nobody" }
}

/// What a stage may end the way of a request with.
enum Answer: Sendable {
    case document(status: Int, JSONValue)
    case http(HTTPResponse)
}
