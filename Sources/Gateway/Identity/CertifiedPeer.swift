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
    /// Nobody on this port, such as a node or a member of another cluster; says what it is.
    case other(String)

    /// Milliseconds since 1970; nil when it identifies nobody.
    var notAfter: Int64? { if case .host(let host) = self { host.notAfter } else { nil } }

    /// What the connection's TLS has verified; nil without TLS or without a client certificate.
    static func of(_ connection: ConnectionInfo, _ issuing: (any CertificateIssuing)?) -> CertifiedPeer? {
        guard let certificate = (connection.stream as? TLSStream)?.peerCertificate else { return nil }
        return issuing?.peer(of: certificate) ?? .other("this cluster has no authority")
    }
}

/// How one node tells another whom a certificate spoke for: `host/<number>/<until>`, or `other/<what it is>`.
extension CertifiedPeer {
    var forwarded: String {
        switch self {
        case .host(let host): "host/\(host.number)/\(host.notAfter)"
        case .other(let what): "other/\(what.filter { $0.isASCII && !$0.isNewline })"
        }
    }

    /// What is malformed identifies nobody, and is refused as such.
    init(forwarded text: String) {
        let parts: [Substring] = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "host", let number = UInt64(parts[1]), let notAfter = Int64(parts[2]) else {
            self = .other(text)
            return
        }
        self = .host(CertifiedHost(number: number, notAfter: notAfter))
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

extension ConnectionInfo {
    /// Whether the connection itself is TLS.
    var isSecure: Bool { stream is TLSStream }
}
