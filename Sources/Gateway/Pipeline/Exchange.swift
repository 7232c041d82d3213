import Bytes
import Crypto
import EventLoop
import HTTP
import JSON
import Model
import RBAC
import Store

/// What was asked, and by what way: the part of an exchange that never changes.
///
/// A class because it is many fields wide and goes along with every step.
final class Asked: Sendable {
    let id: String
    let request: HTTPRequest
    let connection: ConnectionInfo
    let time: Int64
    let base: BaseURL
    let path: APIPath
    /// Without the login token.
    let query: QueryItems
    /// The login token in the address.
    ///
    /// It stands nowhere else from here on: not in links, bodies or logs.
    let queryToken: String?
    let links: Links
    let client: ClientAddress
    let forwarded: ForwardedFacts?

    /// - Parameter time: milliseconds since 1970.
    init(_ arrival: Arrival, path: APIPath, query: QueryItems, time: Int64) {
        id = arrival.id
        request = arrival.request
        connection = arrival.connection
        base = arrival.base
        forwarded = arrival.facts
        self.time = time
        self.path = path
        queryToken = query[LoginToken.name]
        self.query =
            queryToken == nil ? query : QueryItems(items: query.items.filter { $0.name != LoginToken.name })
        let project: ResourceID? = path.project.flatMap { ResourceID($0) }
        links = Links(
            base: base,
            project: project.map { ResourceID(number: $0.number).rendered("a") },
            version: path.version
        )
        client = arrival.reception.client
    }

    /// The same, with what interceptors made of the request, or what is kept of it: its address and its way are as they were.
    init(_ other: Asked, request: HTTPRequest, connection: ConnectionInfo? = nil) {
        id = other.id
        self.request = request
        self.connection = connection ?? other.connection
        time = other.time
        base = other.base
        path = other.path
        query = other.query
        queryToken = other.queryToken
        links = other.links
        client = other.client
        forwarded = other.forwarded
    }
}

/// One request on its way through the stages: what came in, and what each stage has found out so far.
struct Exchange: Sendable {
    private var asked: Asked

    /// On every log line and transaction that this request leads to, and in its error document.
    var id: String { asked.id }
    var request: HTTPRequest { asked.request }
    var connection: ConnectionInfo { asked.connection }
    /// Milliseconds since 1970 when it came in.
    var time: Int64 { asked.time }
    var base: BaseURL { asked.base }
    var path: APIPath { asked.path }
    var query: QueryItems { asked.query }
    var queryToken: String? { asked.queryToken }
    /// The environment of the path stands in every address of the answer, as an id that was parsed: never as it came.
    var links: Links { asked.links }
    var client: ClientAddress { asked.client }
    /// What the node says that forwarded the request; nil for one of a client's own.
    var forwarded: ForwardedFacts? { asked.forwarded }

    /// Fresh again when a change has to be planned anew.
    var view: StoreView
    private let policies: PolicySnapshots
    /// Whether the view had everything that was acknowledged anywhere when the request came in.
    ///
    /// A change may be planned on one that has not: its preconditions decide. But whatever else is said of such a
    /// view may be out of date.
    var isCurrent: Bool = true

    /// Whom the connection's client certificate speaks for.
    var certified: CertifiedPeer?
    /// Of the cluster's authority, for the tokens of new hosts.
    var authorityFingerprint: [UInt8]? { issuing?.authorityFingerprint }
    /// The cluster's authority.
    var issuing: (any CertificateIssuing)?

    // Found by the stages, in their order.

    /// Set by identify.
    var caller: Caller = .nobody {
        didSet { rights = caller.rights(in: projectNumber) }
    }
    /// When the credentials must be good, in milliseconds since 1970: when the request came, and with a stream ever later.
    var judgedAt: Int64
    /// The environment that the request acts in; set by scope.
    var project: AccountRecord?
    var projectNumber: UInt64? {
        didSet { rights = caller.rights(in: projectNumber) }
    }
    /// What the caller may do there: follows from the two above.
    private(set) var rights = Rights.none
    /// The type that the path names; set by authorise early.
    var definition: ResourceDefinition?
    /// What a change of roles would do, where that was asked for instead of the change.
    var preview: Answer?
    /// The revision at which this request changed something; 0 while it has not.
    var committed: UInt64 = 0

    /// What the interceptors made of it; nil when there was nobody to ask.
    var interception: InterceptionNote?
    /// Nothing came of an attempt on an old state, which did not know of an interceptor.
    var startsOver: Bool = false
    /// For those who see the answer.
    var course: InterceptedCourse?

    // Where it came from, and what makes it happen once however many nodes run it.

    /// Stands for the credentials of whoever it was given to.
    var streamTicket: StreamTicket?
    /// When a change that finds no leader is given up.
    var deadline: Deadline = .never
    /// Under which the change is proposed; nil until there is one.
    var tickets: RequestTickets?
    /// Whose turn it took; given back with the answer.
    var admitted: Admission.Key?
    var chance: Chance
    /// Another node has the same tickets and may be using them.
    var mayRunElsewhere: Bool = false
    /// The cluster has said what became of the tickets: nothing more will come of them.
    var isSettled: Bool = false
    /// The tickets were refused as a whole: nothing was made under them, and nothing will be.
    var isUntouched: Bool = false

    init(_ asked: Asked, view: StoreView, policies: PolicySnapshots) {
        self.asked = asked
        self.view = view
        self.policies = policies
        chance = Chance()
        judgedAt = asked.time
    }

    /// One whose caller and rights were found before, and by which nothing is made: nothing is drawn for it.
    init(
        _ asked: Asked,
        view: StoreView,
        policies: PolicySnapshots,
        _ caller: Caller,
        in project: UInt64?,
        _ rights: Rights
    ) {
        self.asked = asked
        self.view = view
        self.policies = policies
        self.caller = caller
        self.rights = rights
        projectNumber = project
        chance = Chance(seed: [])
        judgedAt = asked.time
    }

    /// What follows from the view's accounts, credentials, memberships and settings.
    var policy: PolicySnapshot { policies.snapshot(of: view) }

    /// The method, after the override that forms without PUT and DELETE use.
    var method: String { MethodOverride.method(of: request, query) }

    /// Whether actions stand under the key `actionLinks`.
    var usesActionLinks: Bool { request.headers.contains("x-api-action-links") || query["_actionLinks"] != nil }

    var renderer: Renderer {
        Renderer(
            links: links,
            rights: rights,
            view: view,
            usesActionLinks: usesActionLinks,
            base: base,
            authorityFingerprint: authorityFingerprint
        )
    }

    /// See ``Interception``.
    mutating func replaceRequest(_ request: HTTPRequest) { asked = Asked(asked, request: request) }

    /// Without its view: what a stream may hold for days.
    ///
    /// A view keeps everything alive that was there when it was taken.
    var kept: Exchange {
        var copy: Exchange = self
        copy.view = .empty
        return copy
    }

    /// See ``LastingRequest``.
    var lasting: LastingRequest { LastingRequest(self, asked, policies) }

    /// See ``RequestBody``.
    func body() throws(Problem) -> JSONObject {
        let members: JSONObject = try RequestBody.members(request, query)
        return path.version == .one ? VersionOne.own(body: members) : members
    }
}

/// Who asks, and how that is known.
struct Caller: Sendable {
    var subject: Subject
    /// The account that the credential speaks for.
    var account: AccountRecord?
    var accountNumber: UInt64?
    /// `apiKey`, `agentApiKey`, `registrationToken`, `clientCertificate`, `hostCertificate`, `token`, `none`.
    var authType: String
    var credentialNumber: UInt64?
    /// Of whoever has logged in.
    var tokenNumber: UInt64?
    /// Of a caller who has been here before.
    var standing: Standing?
    /// Whether its key was known by the header, without comparing the secret.
    var isRemembered: Bool = false
    /// Of a key whose secret was compared and is kept in a form of the past.
    var renewal: KeyRenewal?

    func rights(in project: UInt64?) -> Rights {
        standing?.rights(in: project) ?? Rights(caller: self, project: project)
    }

    static let nobody = Caller(subject: .anonymous, authType: "none")

    /// The rendered account id, for audit and transactions.
    var name: String { accountNumber.map { ResourceID(number: $0).rendered("a") } ?? "nobody" }
}

/// What a stage may end the way of a request with.
enum Answer: Sendable {
    case document(status: Int, JSONValue)
    case http(HTTPResponse)
    case refused(Problem)
    /// Another node's, complete with its headers.
    case forwarded(HTTPResponse)
}
