import JSON
import Model
import Store
import StoreFormat

/// Documents of what was, out of records alone.
enum PastDocument {
    private static let hidden: JSONValue = "***"

    static func make(
        _ record: Record,
        _ observed: Record?,
        _ now: Resource,
        _ exchange: Exchange
    ) throws(Problem) -> JSONObject {
        let id: String = Renderer.id(of: now)
        var document: JSONObject = [
            "id": .string(id), "type": .string(now.definition.name), "baseType": .string(now.definition.baseType),
            "links": ["self": .string(exchange.links.item(now.definition, id))], "actions": [:],
        ]
        let desired: JSONObject = try fields(record)
        let reported: JSONObject = try observed.map { (record) throws(Problem) in try fields(record) } ?? [:]
        let hidden: Set<String> = exchange.rights.hiddenFields(of: now, in: exchange.view)
        for field in exchange.rights.visibleFields(of: now.definition)
        where field.name != "id" && !hidden.contains(field.name) {
            // What is computed belongs to the present.
            guard field.source != .computed else { continue }
            let source: JSONObject = field.source == .observed ? reported : desired
            guard let value: JSONValue = source[field.name] else { continue }
            let shown: JSONValue = Renderer.rendered(value, field.type, default: field)
            document[field.name] =
                field.isReadOnCreateOnly ? .null : Renderer.visible(shown, field.type, exchange.rights)
            if field.type == .date, let milliseconds: Int64 = value.int {
                document["\(field.name)TS"] = .int(milliseconds)
            }
        }
        return document
    }

    /// One line of a history.
    static func entry(
        _ entry: HistoryEntry,
        _ change: RecordChange,
        _ now: Resource,
        _ exchange: Exchange
    ) throws(Problem) -> JSONValue {
        let event: String? = entry.audit?.eventType
        return .object([
            "type": "historyEntry", "revision": .string(String(entry.revision)),
            "time": .string(StoredDate.text(entry.time)), "timeTS": .int(entry.time), "actor": .string(entry.actor),
            "requestId": .string(entry.requestID), "event": JSONValue(event),
            "what": .string(change.before == nil ? "created" : change.after == nil ? "deleted" : "changed"),
            "changes": .array(try changes(change, now, exchange)),
        ])
    }

    /// Each field that the entry gave another value, as the caller may see it.
    private static func changes(
        _ change: RecordChange,
        _ now: Resource,
        _ exchange: Exchange
    ) throws(Problem) -> [JSONValue] {
        let before: JSONObject = try change.before.map { (record) throws(Problem) in try fields(record) } ?? [:]
        let after: JSONObject = try change.after.map { (record) throws(Problem) in try fields(record) } ?? [:]
        var found: [JSONValue] = []
        let hidden: Set<String> = exchange.rights.hiddenFields(of: now, in: exchange.view)
        for field in exchange.rights.visibleFields(of: now.definition)
        where field.source == .desired && !hidden.contains(field.name) {
            let (old, new): (JSONValue, JSONValue) = (before[field.name] ?? .null, after[field.name] ?? .null)
            guard old != new else { continue }
            let isSecret: Bool = field.isReadOnCreateOnly || field.type == .password
            func shown(_ value: JSONValue) -> JSONValue {
                if value.isNull { return .null }
                return isSecret
                    ? Self.hidden
                    : Renderer.visible(
                        Renderer.rendered(value, field.type, default: field),
                        field.type,
                        exchange.rights
                    )
            }
            found.append(.object(["field": .string(field.name), "before": shown(old), "after": shown(new)]))
        }
        return found
    }

    private static func fields(_ record: Record) throws(Problem) -> JSONObject {
        guard let fields: JSONObject = try? JSONReader.parse(record.document).object else { throw .fault }
        return fields
    }
}
