import HTTP
import Limits
import Model
import RBAC
import Store
import StoreFormat
import TLS

/// Whom a client's certificate speaks for.
package enum CertifiedPeer: Hashable, Sendable {
    case host(CertifiedHost)
    case person(CertifiedPerson)
    /// Nobody on this port, such as a node or a member of another cluster; says what it is.
    case other(String)

    /// Milliseconds since 1970; nil when it identifies nobody.
    var notAfter: Int64? {
        switch self {
        case .host(let host): host.notAfter
        case .person(let person): person.notAfter
        case .other: nil
        }
    }

    /// Who it is, for logs.
    var shown: String {
        switch self {
        case .host(let host): ResourceID(number: host.number).rendered("h")
        case .person(let person): "\(ResourceID(number: person.account).rendered("a")), serial \(person.serial)"
        case .other(let what): what
        }
    }

    /// What the connection's TLS has verified; nil without TLS or without a client certificate.
    static func of(_ connection: ConnectionInfo, _ issuing: (any CertificateIssuing)?) -> CertifiedPeer? {
        guard let certificate = (connection.stream as? TLSStream)?.peerCertificate else { return nil }
        return issuing?.peer(of: certificate) ?? .other("this cluster has no authority")
    }
}

/// How one node tells another whom a certificate spoke for: `host/<number>/<until>`, `person/<account>/<until>/<serial>`, or
/// `other/<what it is>`.
extension CertifiedPeer {
    var forwarded: String {
        switch self {
        case .host(let host): "host/\(host.number)/\(host.notAfter)"
        case .person(let person): "person/\(person.account)/\(person.notAfter)/\(person.serial)"
        case .other(let what): "other/\(what.filter { $0.isASCII && !$0.isNewline })"
        }
    }

    /// What is malformed identifies nobody, and is refused as such.
    init(forwarded text: String) {
        let parts: [Substring] = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, let number = UInt64(parts[1]), let notAfter = Int64(parts[2]) else {
            self = .other(text)
            return
        }
        switch (parts[0], parts.count) {
        case ("host", 3): self = .host(CertifiedHost(number: number, notAfter: notAfter))
        case ("person", 4) where CertifiedPerson.isSerial(parts[3]):
            self = .person(CertifiedPerson(account: number, serial: String(parts[3]), notAfter: notAfter))
        default: self = .other(text)
        }
    }
}

/// Somebody who proved with a certificate which account is theirs.
package struct CertifiedPerson: Hashable, Sendable {
    package var account: UInt64
    /// In hexadecimal: the public half of the credential that the certificate is.
    package var serial: String
    /// Milliseconds since 1970: until when they have proved that.
    package var notAfter: Int64

    package init(account: UInt64, serial: String, notAfter: Int64) {
        self.account = account
        self.serial = serial
        self.notAfter = notAfter
    }

    fileprivate static func isSerial(_ text: Substring) -> Bool {
        (1...40).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

/// A host that proved with its certificate which one it is.
package struct CertifiedHost: Hashable, Sendable {
    package var number: UInt64
    /// Milliseconds since 1970: until when it has proved that.
    package var notAfter: Int64

    package init(number: UInt64, notAfter: Int64) {
        self.number = number
        self.notAfter = notAfter
    }
}

extension Caller {
    /// The host with this number, as its own key would make it; nil once it was removed, or its environment is not active.
    init?(certifiedHost number: UInt64, in view: StoreView) {
        guard let record: Record = view.get(RecordKey(.host, number)),
            let host = try? HostRecord(document: record.document), host.removed == nil,
            let project: UInt64 = host.accountID, let account: AccountRecord = Identify.account(project, view),
            account.isActive
        else { return nil }
        self.init(
            subject: Subject(.hostAgent, accountID: project, hostID: number),
            account: account,
            accountNumber: project,
            authType: "hostCertificate"
        )
    }
}

extension Exchange {
    /// The serial number of the certificate that says who the caller is; nil for whoever shows something else.
    var certificateSerial: String? {
        guard caller.authType == ClientCertificates.kind, case .person(let person)? = certified else { return nil }
        return person.serial
    }
}

extension ConnectionInfo {
    /// Whether the connection itself is TLS.
    var isSecure: Bool { stream is TLSStream }
}
