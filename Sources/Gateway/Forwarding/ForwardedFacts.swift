import Bytes
import HTTP
import JSON
import Limits
import StoreFormat

/// What the node that a client spoke to tells the node that it forwards the request to.
///
/// Shape: one header each, all named ``prefix``…. They count on the listener for peers only, where the certificate has
/// shown that a server node speaks; anywhere else they are dropped.
struct ForwardedFacts: Sendable {
    /// The request's id, on the log lines and audit records of both nodes.
    var id: String
    var client: ClientAddress
    /// The address that the client used.
    var base: BaseURL
    /// Who the client's certificate proved it to be, when it came with one.
    var certificate: String?
    /// Under which the change is made, whoever makes it; nil for streams.
    var tickets: RequestTickets?
    /// What the interceptors made of it, where the client asked.
    var interception: InterceptionNote?
    /// See ``Chance``.
    var seed: [UInt8]
    /// What the first node has seen: the answer is not from below it.
    var revision: UInt64

    private static let prefix: String = "X-Drover-Peer-"

    /// How often a request was forwarded: once, ever.
    ///
    /// Its presence is the mark that it was.
    private enum Name: String, CaseIterable {
        case hops = "Hops"
        case id = "Request-Id"
        case client = "Client-Address"
        case socket = "Socket-Address"
        case scheme = "Base-Scheme"
        case authority = "Base-Authority"
        case certificate = "Certificate"
        case tickets = "Tickets"
        case interception = "Interception"
        case seed = "Seed"
        case revision = "Revision"

        var header: String { ForwardedFacts.prefix + rawValue }
    }

    /// On an answer of a peer: nothing was made under the tickets, and nothing will be.
    static let untouched: String = "X-Drover-Peer-Untouched"

    /// How many headers are added at most.
    static let headerCount: Int = Name.allCases.count

    init(
        id: String,
        client: ClientAddress,
        base: BaseURL,
        certificate: String?,
        tickets: RequestTickets?,
        interception: InterceptionNote? = nil,
        seed: [UInt8],
        revision: UInt64
    ) {
        self.id = id
        self.client = client
        self.base = base
        self.certificate = certificate
        self.tickets = tickets
        self.interception = interception
        self.seed = seed
        self.revision = revision
    }

    /// Those in `headers`; nil when one that must be there is missing or malformed.
    init?(_ headers: HTTPHeaders) {
        func value(_ name: Name) -> String? { headers[name.header] }
        guard value(.hops) == "1", let id: String = value(.id), let client: String = value(.client),
            let socket: String = value(.socket), let scheme: String = value(.scheme),
            ["http", "https"].contains(scheme), let authority: String = value(.authority),
            let seed: [UInt8] = value(.seed).flatMap({ Hex.decode($0) }), seed.count == Chance.seedBytes,
            let revision: UInt64 = value(.revision).flatMap({ UInt64($0) })
        else { return nil }
        if let text: String = value(.tickets) {
            guard let tickets = RequestTickets(foreign: text) else { return nil }
            self.tickets = tickets
        }
        interception = value(.interception).flatMap { Base64.decode($0) }.flatMap { try? JSONReader.parse($0) }
            .flatMap { InterceptionNote($0) }
        self.id = id
        self.client = ClientAddress(claimed: client, peer: socket)
        base = BaseURL(scheme: scheme, authority: authority)
        certificate = value(.certificate)
        self.seed = seed
        self.revision = revision
    }

    /// Puts them into the head of a request that is about to leave.
    func write(to headers: inout HTTPHeaders) {
        Self.strip(&headers)
        func set(_ name: Name, _ value: String) { headers.append(name.header, value) }
        set(.hops, "1")
        set(.id, id)
        set(.client, client.claimed)
        set(.socket, client.peer)
        set(.scheme, base.scheme)
        set(.authority, base.authority)
        if let certificate { set(.certificate, certificate) }
        if let tickets { set(.tickets, tickets.text) }
        if let interception {
            let bytes: [UInt8] = JSONWriter.bytes(interception.document)
            if bytes.count <= Limits.forwardedNoteBytes { set(.interception, Base64.encode(bytes)) }
        }
        set(.seed, Hex.encode(seed))
        set(.revision, String(revision))
    }

    /// Takes away what a client may have put there.
    static func strip(_ headers: inout HTTPHeaders) {
        headers.removeAll(beginningWith: prefix)
    }
}
