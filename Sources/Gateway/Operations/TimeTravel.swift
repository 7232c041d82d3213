import HTTP
import JSON
import Limits
import Logging
import Model
import Store
import StoreFormat

/// What a resource was: `GET …/{id}?revision=N`, and `GET …/{id}/history`.
///
/// For whoever may read the resource as it is now, and only the fields that are theirs to see now. What a document computes
/// from other records (`instanceIds`, `healthState` of an environment) belongs to the present and is absent.
enum TimeTravel {
    static let link: String = "history"

    /// The document as it was right after a revision: without actions, and with that revision.
    static func item(
        _ definition: ResourceDefinition,
        _ id: String,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let resource: Resource = try Reading.resource(definition, id, exchange)
        let recall: any Recalling = try recall(gateway)
        let text: String = exchange.query["revision"] ?? ""
        guard let revision = Revision(text), revision > 0 else {
            throw .badRequest("The revision is a number from 1, not '\(text)'.")
        }
        guard revision <= exchange.view.revision else {
            throw .badRequest("Revision \(revision) has not come yet: the newest is \(exchange.view.revision).")
        }
        try await checkFloor(revision, recall, gateway)
        let key: RecordKey = resource.record.key
        guard let record: Record = try await past(key, revision, recall, gateway) else {
            throw .notFound("The \(definition.name) \(id) did not exist at revision \(revision).")
        }
        var observed: Record?
        if let table: Table = resource.definition.observedTable {
            observed = try await past(RecordKey(table, key.number), revision, recall, gateway)
        }
        var document: JSONObject = try PastDocument.make(record, observed, resource, exchange)
        document["revision"] = .string(String(revision))
        return .document(status: 200, .object(document))
    }

    /// What changed it: who, when, by which request, and each field before and after; the latest first.
    ///
    /// `limit` (100 at most) and `below` (a revision) page through it.
    static func history(
        _ definition: ResourceDefinition,
        _ id: String,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let resource: Resource = try Reading.resource(definition, id, exchange)
        let recall: any Recalling = try recall(gateway)
        let limit: Int = try number("limit", exchange).map { Int(clamping: $0) } ?? Limits.historyEntries
        guard limit >= 1, limit <= Limits.historyEntries else {
            throw .badRequest("The limit is from 1 to \(Limits.historyEntries).")
        }
        let below: UInt64 = try number("below", exchange) ?? .max
        let key: RecordKey = resource.record.key
        let entries: [HistoryEntry]
        do throws(RecallFault) {
            entries = try await recall.entries(of: key, below: below, limit: limit)
        } catch {
            throw fault(error, gateway)
        }
        var data: [JSONValue] = []
        for entry in entries {
            guard let change: RecordChange = entry.changes.first(where: { $0.key == key }) else { continue }
            data.append(try PastDocument.entry(entry, change, resource, exchange))
        }
        var collection: JSONObject = [
            "type": "collection", "resourceType": "historyEntry", "links": [:], "actions": [:],
        ]
        if entries.count == limit, let last: HistoryEntry = entries.last {
            let path: String = exchange.links.link(resource.definition, Renderer.id(of: resource), link)
            collection["pagination"] = [
                "limit": JSONValue(limit), "partial": true,
                "next": .string("\(path)?limit=\(limit)&below=\(last.revision)"),
            ]
        }
        collection["data"] = .array(data)
        return .document(status: 200, .object(collection))
    }

    private static func recall(_ gateway: Gateway) throws(Problem) -> any Recalling {
        guard let recall: any Recalling = gateway.recall else { throw .notFound("This server keeps no history.") }
        return recall
    }

    private static func number(_ name: String, _ exchange: Exchange) throws(Problem) -> UInt64? {
        guard let text: String = exchange.query[name] else { return nil }
        guard let number = UInt64(text) else { throw .badRequest("'\(name)' is no number: \(text).") }
        return number
    }

    private static func checkFloor(
        _ revision: Revision,
        _ recall: any Recalling,
        _ gateway: Gateway
    ) async throws(Problem) {
        let floor: Revision
        do throws(RecallFault) { floor = try await recall.floor() } catch { throw fault(error, gateway) }
        guard revision + 1 >= floor else {
            throw .notFound(
                "The history of this node begins at revision \(max(1, floor - 1)): what was at \(revision) is not known here. "
                    + "Another node may know more."
            )
        }
    }

    private static func past(
        _ key: RecordKey,
        _ revision: Revision,
        _ recall: any Recalling,
        _ gateway: Gateway
    ) async throws(Problem) -> Record? {
        do throws(RecallFault) {
            return try await recall.record(key, at: revision)
        } catch {
            throw fault(error, gateway)
        }
    }

    private static func fault(_ error: RecallFault, _ gateway: Gateway) -> Problem {
        gateway.logger.error("history cannot be read", ["error": .string(error.reason)])
        return .fault
    }
}
