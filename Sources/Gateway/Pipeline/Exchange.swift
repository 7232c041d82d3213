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

    /// Whom the connection's client certificate speaks for.
    var certified: CertifiedPeer?
    /// Of the cluster's authority, for the tokens of new hosts.
    var authorityFingerprint: [UInt8]?

    // Found by the stages, in their order.

    /// Set by identify.
    var caller: Caller = .nobody {
        didSet { rights = Rights(caller: caller, project: projectNumber) }
    }
    /// The environment that the request acts in; set by scope.
    var project: AccountRecord?
    var projectNumber: UInt64? {
        didSet { rights = Rights(caller: caller, project: projectNumber) }
    }
    /// What the caller may do there: follows from the two above.
    private(set) var rights = Rights(caller: .nobody, project: nil)
    /// The type that the path names; set by authorise early.
    var definition: ResourceDefinition?
    /// The revision at which this request changed something; 0 while it has not.
    var committed: UInt64 = 0

    // Where it came from, and what makes it happen once however many nodes run it.

    /// What the node says that forwarded the request; nil for one of a client's own.
    var forwarded: ForwardedFacts?
    /// Stands for the credentials of whoever it was given to.
    var streamTicket: StreamTicket?
    /// When a change that finds no leader is given up.
    var deadline: Deadline = .never
    /// Under which the change is proposed; nil until there is one.
    var tickets: RequestTickets?
    var chance = Chance()
    /// Another node has the same tickets and may be using them.
    var mayRunElsewhere: Bool = false
    /// The cluster has said what became of the tickets: nothing more will come of them.
    var isSettled: Bool = false
    /// The tickets were refused as a whole: nothing was made under them, and nothing will be.
    var isUntouched: Bool = false

    init(
        id: String,
        request: HTTPRequest,
        connection: ConnectionInfo,
        time: Int64,
        base: BaseURL,
        path: APIPath,
        query: QueryItems,
        view: StoreView
    ) {
        self.id = id
        self.request = request
        self.connection = connection
        self.time = time
        self.base = base
        self.path = path
        self.query = query
        self.view = view
    }

    /// The method, after the override that forms without PUT and DELETE use.
    var method: String { MethodOverride.method(of: request, query) }

    /// The environment of the path stands in every address of the answer, as an id that was parsed: never as it came.
    var links: Links {
        let project: ResourceID? = path.project.flatMap { ResourceID($0) }
        return Links(base: base, project: project.map { ResourceID(number: $0.number).rendered("a") })
    }

    var renderer: Renderer {
        Renderer(
            links: links,
            rights: rights,
            view: view,
            usesActionLinks: request.headers.contains("x-api-action-links") || query["_actionLinks"] != nil,
            registration: RegistrationPlace(view: view, base: base, pin: authorityFingerprint)
        )
    }

    /// Without its view: what a stream may hold for days.
    ///
    /// A view keeps everything alive that was there when it was taken.
    var kept: Exchange {
        var copy: Exchange = self
        copy.view = .empty
        return copy
    }

    var client: ClientAddress {
        forwarded?.client ?? ClientAddress(headers: request.headers, peer: connection.peer.host)
    }

    /// See ``RequestBody``.
    func body() throws(Problem) -> JSONObject { try RequestBody.members(request, query) }
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
    /// Another node's, complete with its headers.
    case forwarded(HTTPResponse)
}
