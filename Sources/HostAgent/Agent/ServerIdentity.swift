import Bytes
import Certificates

/// Whether a server's certificate is one of a server.
///
/// The authority issues certificates to hosts, too: one of those must not be able to give orders. The role stands in the
/// one URI of the certificate, `drover://<cluster>/node/<number>`. By which address the server was reached does not matter, so
/// that a host finds it behind any name.
enum ServerIdentity {
    static func isServer(_ certificate: Certificate) -> Bool {
        guard certificate.uris.count == 1, let uri: String = certificate.uris.first, uri.hasPrefix("drover://") else {
            return false
        }
        let parts: [Substring] = uri.dropFirst("drover://".count).split(
            separator: "/",
            omittingEmptySubsequences: false
        )
        return parts.count == 3 && parts[0].utf8.count == 16 && parts[1] == "node" && UInt64(parts[2]) != nil
    }
}
