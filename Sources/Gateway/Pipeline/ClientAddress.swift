import HTTP
import Model

/// Where a request comes from, as far as that can be known.
///
/// `X-Forwarded-For` is whatever the sender says, so it is taken only if it is an address, and the audit log keeps the
/// socket's peer beside it.
struct ClientAddress: Hashable, Sendable {
    /// The first entry of `X-Forwarded-For` without its port, else the peer.
    let claimed: String
    let peer: String

    init(claimed: String, peer: String) {
        self.claimed = claimed
        self.peer = peer
    }

    init(headers: HTTPHeaders, peer: String?) {
        self.peer = peer ?? "local"
        claimed = headers["x-forwarded-for"].flatMap(Self.first) ?? self.peer
    }

    /// For the audit log: both, where they differ.
    var audited: String { claimed == peer ? peer : "\(claimed) via \(peer)" }

    private static func first(_ header: String) -> String? {
        guard let entry = header.split(separator: ",", maxSplits: 1).first else { return nil }
        let text = String(entry.filter { $0 != " " && $0 != "\t" })
        if InternetAddress.isIPv4(text) || InternetAddress.isIPv6(text) { return text }
        if text.first == "[", let close: String.Index = text.firstIndex(of: "]") {
            let inner: Substring = text[text.index(after: text.startIndex)..<close]
            return InternetAddress.isIPv6(inner) ? String(inner) : nil
        }
        let host: Substring = text.prefix { $0 != ":" }
        return InternetAddress.isIPv4(host) ? String(host) : nil
    }
}
