import HTTP
import JSON
import Limits
import Logging
import Model
import RBAC
import Store
import StoreFormat

/// `auditLog` (contract A21): who changed what, when, from where, by which right; read only.
///
/// Answered from this node's history, which is the same on every node. Administrators see all of it; whoever is in an
/// environment sees what happened there, everybody what they did to their own account.
enum AuditLogAPI {
    static let letters: String = "al"

    static func answer(_ exchange: Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard let recall: any Recalling = gateway.recall else { throw .notFound("This server keeps no history.") }
        let definition: ResourceDefinition = exchange.definition ?? Schemas.auditLog
        switch (exchange.method, exchange.path.id) {
        case ("GET", nil), ("HEAD", nil): return try await list(definition, recall, exchange, gateway)
        case ("GET", let id?), ("HEAD", let id?):
            let missing = Problem.notFound("There is no auditLog \(id).")
            guard let number: UInt64 = ResourceID(id)?.number, number < .max else { throw missing }
            let page: [HistoryEntry] = try await entries(gateway) { () throws(RecallFault) in
                try await recall.audits(below: number + 1, limit: 1)
            }
            guard let entry: HistoryEntry = page.first, entry.revision == number, let record: AuditRecord = entry.audit
            else { throw missing }
            let values: JSONObject = AuditRow.values(entry, record)
            guard isVisible(values, exchange) else { throw missing }
            return .document(status: 200, .object(document(shown(values, entry, record), definition, exchange)))
        case ("POST", nil) where exchange.query["action"]?.lowercased() == "verify":
            guard exchange.rights.decide(.update, "setting").isAllowed else {
                throw .validation(.invalidAction, field: "action", message: "auditLogs have no action verify for you.")
            }
            return .document(status: 200, try await verified(recall, gateway))
        default: throw .methodNotAllowed("The audit log is only ever read.")
        }
    }

    // MARK: Listing

    private static func list(
        _ definition: ResourceDefinition,
        _ recall: any Recalling,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let items: [QueryItems.Item] = exchange.query.items
        let query = try CollectionQuery(
            items,
            fields: exchange.rights.visibleFields(of: definition).filter(\.isFilterable),
            now: exchange.time
        )
        // Rows are in the order of their ids, which is that of time; by another field nobody can page through a log.
        let isDescending: Bool = items.last { $0.name == "order" }?.value.lowercased() == "desc"
        let marker: UInt64? = exchange.query["marker"].flatMap { $0.first == "m" ? UInt64($0.dropFirst()) : nil }
        var found: [JSONObject] = []
        var place: UInt64? = marker
        var scanned: Int = 0
        var isPartial: Bool = false
        scan: while true {
            let from: UInt64? = place
            let page: [HistoryEntry] = try await entries(gateway) { () throws(RecallFault) in
                isDescending
                    ? try await recall.audits(below: from ?? .max, limit: Limits.auditPage)
                    : try await recall.audits(above: from ?? 0, limit: Limits.auditPage)
            }
            for entry in page {
                guard let record: AuditRecord = entry.audit else { continue }
                let values: JSONObject = AuditRow.values(entry, record)
                guard passes(values, query), isVisible(values, exchange) else {
                    place = entry.revision
                    continue
                }
                guard found.count < query.limit else {
                    isPartial = true
                    break scan
                }
                found.append(shown(values, entry, record))
                place = entry.revision
            }
            scanned += page.count
            if page.count < Limits.auditPage { break }
            if scanned >= Limits.auditScan {
                // Whoever looks for something rare goes on from here.
                isPartial = true
                break
            }
        }
        let path: String = exchange.links.collection(definition)
        let isSorted: Bool = sortable(definition, exchange).contains { $0.name == query.sort?.field }
        var next: JSONValue = .null
        if isPartial, let place {
            var kept: [QueryItems.Item] = items.filter { $0.name != "marker" && $0.name != "limit" }
            kept += [QueryItems.Item("limit", "\(query.limit)"), QueryItems.Item("marker", "m\(place)")]
            next = .string("\(path)?\(QueryItems(items: kept).encoded)")
        }
        return .document(
            status: 200,
            .object([
                "type": "collection", "resourceType": .string(definition.name), "links": ["self": .string(path)],
                "actions": [:],
                "data": .array(found.map { .object(document($0, definition, exchange)) }),
                "sortLinks": .object(CollectionDocument.sortLinks(sortable(definition, exchange), items, path)),
                "pagination": [
                    "first": nil, "previous": nil, "next": next, "limit": JSONValue(query.limit), "total": nil,
                    "partial": .bool(isPartial),
                ], "sort": isSorted ? CollectionDocument.sort(query, items, path) : nil,
                "filters": filters(definition, query, exchange),
            ])
        )
    }

    /// The row with what only rows have that are shown.
    private static func shown(_ values: JSONObject, _ entry: HistoryEntry, _ record: AuditRecord) -> JSONObject {
        var values: JSONObject = values
        values["responseObject"] = AuditRow.responseObject(entry, record)
        return values
    }

    /// The fields that rows are in the order of.
    private static func sortable(_ definition: ResourceDefinition, _ exchange: Exchange) -> [FieldDefinition] {
        exchange.rights.visibleFields(of: definition).filter { $0.name == "id" || $0.name == "created" }
    }

    private static func passes(_ values: JSONObject, _ query: CollectionQuery) -> Bool {
        query.filters.allSatisfy { $0.matches(values[$0.field] ?? .null) }
    }

    private static func filters(
        _ definition: ResourceDefinition,
        _ query: CollectionQuery,
        _ exchange: Exchange
    ) -> JSONValue {
        var object = JSONObject()
        for field in exchange.rights.visibleFields(of: definition) where field.isFilterable {
            let here: [Filter] = query.filters.filter { $0.field == field.name }
            object[field.name] =
                here.isEmpty
                ? .null
                : .array(here.map { ["value": .string($0.text), "modifier": .string($0.modifier.rawValue)] })
        }
        return .object(object)
    }

    private static func isVisible(_ values: JSONObject, _ exchange: Exchange) -> Bool {
        let project: UInt64? = values["accountId"]?.int.flatMap { UInt64(exactly: $0) }
        // At the root an administrator sees everything; in an environment everybody what happened there.
        if let scope: UInt64 = exchange.projectNumber, scope != project { return false }
        let object = AccessObject("auditLog", environment: project, members: values)
        return exchange.rights.decide(.get, "auditLog", object).isAllowed
    }

    private static func document(
        _ values: JSONObject,
        _ definition: ResourceDefinition,
        _ exchange: Exchange
    ) -> JSONObject {
        let number: UInt64 = values["id"]?.int.flatMap { UInt64(exactly: $0) } ?? 0
        let id: String = ResourceID(number: number).rendered(letters)
        var links: JSONObject = ["self": .string(exchange.links.item(definition, id))]
        if let type: String = values["resourceType"]?.string, let resource: String = values["resourceId"]?.string,
            let target: ResourceDefinition = Schemas.definition(type), target.table != nil, exchange.rights.sees(target)
        {
            links["resource"] = .string(exchange.links.item(target, resource))
        }
        var document: JSONObject = [
            "id": .string(id), "type": "auditLog", "baseType": "auditLog", "links": .object(links), "actions": [:],
        ]
        for field in exchange.rights.visibleFields(of: definition) where field.name != "id" {
            let value: JSONValue = values[field.name] ?? .null
            document[field.name] = Renderer.rendered(value, field.type, default: field)
            if field.type == .date, let milliseconds: Int64 = value.int {
                document["\(field.name)TS"] = .int(milliseconds)
            }
        }
        return document
    }

    // MARK: The past

    private static func entries(
        _ gateway: Gateway,
        _ read: () async throws(RecallFault) -> [HistoryEntry]
    ) async throws(Problem) -> [HistoryEntry] {
        do throws(RecallFault) {
            return try await read()
        } catch {
            throw fault(error, gateway)
        }
    }

    private static func fault(_ error: RecallFault, _ gateway: Gateway) -> Problem {
        gateway.logger.error("history cannot be read", ["error": .string(error.reason)])
        return .fault
    }

    private static func verified(_ recall: any Recalling, _ gateway: Gateway) async throws(Problem) -> JSONValue {
        do throws(RecallFault) {
            return try await recall.verified()
        } catch {
            throw fault(error, gateway)
        }
    }
}
