import HTTP
import Model

/// Refuses what would need room on a disk that has none.
///
/// Only what a client brings to this node: what another node hands on was let in there. Reading, deleting, stopping and what
/// operators do with the cluster always pass.
enum StorageDoor {
    /// Actions that take away, or only look.
    private static let relieving: Set<String> = ["remove", "purge", "deactivate", "stop", "logs", "evacuate"]

    static func stage(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer? {
        guard let reason: String = gateway.storageRefusal?(), exchange.forwarded == nil else { return nil }
        switch exchange.method {
        case "GET", "HEAD", "DELETE", "OPTIONS": return nil
        case "POST" where relieving.contains(exchange.query["action"]?.lowercased() ?? ""): return nil
        default: break
        }
        guard exchange.path.type?.lowercased() != ClusterAPI.name else { return nil }
        throw .noSpace("\(reason).")
    }
}
