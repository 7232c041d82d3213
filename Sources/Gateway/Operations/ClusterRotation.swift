import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// `POST cluster?action=rotateca`: begins the exchange of the cluster's authority, or takes it back.
///
/// Body: `waitSeconds` (how long each phase waits for those that are not ready), `holdSeconds` (how long the first lasts at
/// least), `abort`. The rest goes by itself; the status says how far it is.
enum ClusterRotation {
    static let action: String = "rotateca"

    static func answer(
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        _ cluster: any ClusterOperating,
        allowed: (Exchange) throws(Problem) -> String
    ) async throws(Problem) {
        _ = try allowed(exchange)
        let body: JSONObject = try exchange.body()
        let isAbort: Bool = body["abort"] == .bool(true)
        let wait: Int64 = try seconds(body["waitSeconds"], "waitSeconds", else: Limits.rotationWaitSeconds)
        let hold: Int64 = try seconds(body["holdSeconds"], "holdSeconds", else: 0)
        _ = try keys(exchange, isAbort: isAbort)
        let begun: JSONObject = isAbort ? [:] : try cluster.beginRotation(waitSeconds: wait, holdSeconds: hold)
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            var (record, fields): (Record, JSONObject) = try keys(current, isAbort: isAbort)
            if isAbort {
                for name in fields.keys where name.hasPrefix("rotation") { fields[name] = nil }
            } else {
                for (name, value) in begun { fields[name] = value }
            }
            var change = PlannedChange(subject: .existing(record.key), verb: action, type: ClusterAPI.name)
            change.decision = try allowed(current)
            change.request = ["abort": .bool(isAbort), "waitSeconds": .int(wait), "holdSeconds": .int(hold)]
            change.preconditions = [.revision(record.key, record.revision)]
            change.writes = [
                RecordWriting.put(.clusterKeys, .known(record.key.number), fields, scope: .known(record.scope))
            ]
            return change
        }
    }

    /// The record of the cluster's keys, if it is such that the wish makes sense.
    private static func keys(_ exchange: Exchange, isAbort: Bool) throws(Problem) -> (Record, JSONObject) {
        guard let record: Record = exchange.view.records(in: .clusterKeys, limit: 1).first,
            let fields: JSONObject = try? JSONReader.parse(record.document).object
        else { throw .conflict("This cluster has no authority.") }
        switch (isAbort, fields["rotationPhase"]?.string) {
        case (false, .some):
            throw .conflict("The authority is being replaced already: GET cluster shows how far it is.")
        case (true, nil): throw .conflict("The authority is not being replaced now.")
        case (true, "trust"?), (false, nil): return (record, fields)
        case (true, _):
            throw .conflict("The new authority issues certificates already: it cannot be taken back any more.")
        }
    }

    private static func seconds(
        _ value: JSONValue?,
        _ field: String,
        else otherwise: Int64
    ) throws(Problem) -> Int64 {
        guard let value, !value.isNull else { return otherwise }
        guard let seconds: Int64 = value.int, (0...Limits.rotationMaximumSeconds).contains(seconds) else {
            throw .validation(
                .invalidFormat,
                field: field,
                message: "A number of seconds from 0 to \(Limits.rotationMaximumSeconds) is wanted."
            )
        }
        return seconds
    }
}
