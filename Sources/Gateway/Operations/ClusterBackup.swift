import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// `POST cluster?action=backup`: the whole state in one file, out of any node, while the cluster goes on.
///
/// Who asked is in the audit log before the first byte leaves.
enum ClusterBackup {
    static let action: String = "backup"

    static func answer(
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        _ cluster: any ClusterOperating,
        allowed: (Exchange) throws(Problem) -> String
    ) async throws(Problem) -> Answer {
        _ = try allowed(exchange)
        let prepared: PreparedBackup = try await cluster.backup()
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            guard let key: RecordKey = current.view.records(in: .clusterKeys, limit: 1).first?.key else {
                throw .conflict("This cluster has no keys of its own yet: there is nothing to back up.")
            }
            var change = PlannedChange(subject: .existing(key), verb: action, type: ClusterAPI.name)
            change.decision = try allowed(current)
            change.request = prepared.about
            return change
        }
        return .http(
            .stream(
                headers: ["Content-Type": "application/octet-stream", "Cache-Control": "no-store"],
                length: prepared.length
            ) { writer in
                var offset: Int = 0
                while offset < prepared.length {
                    let piece: [UInt8] = try await prepared.read(offset, Limits.backupPieceBytes)
                    guard !piece.isEmpty else { break }
                    try await writer.write(piece)
                    offset += piece.count
                }
            }
        )
    }
}
