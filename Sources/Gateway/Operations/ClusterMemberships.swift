import JSON
import Limits
import Model
import Store
import StoreFormat

/// The nodes that are there, under the name that the original has for them; `cluster` tells more.
///
/// A node that was not heard for as long as three check-ins of the original is not there, and has no row.
enum ClusterMemberships {
    static let type: String = "clusterMembership"

    static func answer(_ exchange: Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard let definition: ResourceDefinition = exchange.definition else { throw .fault }
        try SpecialPaths.requireReading(exchange)
        let members: [JSONValue] = await gateway.cluster?.status(in: exchange.view)["members"]?.array ?? []
        var rows: [UInt64: Resource] = [:]
        for member in members {
            guard let row: Resource = resource(member, definition, exchange) else { continue }
            rows[row.number] = row
        }
        if let id: String = exchange.path.id {
            guard let parsed = ResourceID(id), parsed.cluster == nil, let row: Resource = rows[parsed.number] else {
                throw .notFound("There is no \(type) \(id).")
            }
            return .document(status: 200, .object(exchange.renderer.document(row)))
        }
        let query: CollectionQuery = try Reading.query(definition, exchange)
        let page = CollectionPage(rows.keys.sorted(), query) { rows[$0] }
        return Reading.answer(page, of: definition, query, at: exchange.links.collection(definition), exchange)
    }

    private static func resource(
        _ member: JSONValue,
        _ definition: ResourceDefinition,
        _ exchange: Exchange
    ) -> Resource? {
        guard let number: UInt64 = member["member"]?.int.flatMap({ UInt64(exactly: $0) }),
            let silent: Int64 = member["lastHeardMs"]?.int, silent <= Limits.membershipSilenceMilliseconds
        else { return nil }
        let peer: String? = member["peer"]?.string
        let port: Int64? = member["http"]?.string?.split(separator: ":").last.flatMap { Int64($0) }
        let config: JSONValue = [
            "advertiseAddress": JSONValue(peer), "httpPort": JSONValue(port), "clustered": .bool(peer != nil),
        ]
        return Resource(
            definition: definition,
            number: number,
            values: [
                "name": member["id"] ?? .null, "clustered": .bool(peer != nil),
                "config": .string(String(decoding: JSONWriter.bytes(config), as: UTF8.self)),
                "heartbeat": .int(exchange.time - silent),
                "uuid": .string(peer ?? "member-\(number)"),
            ],
            stored: [:],
            // As settings without a record do.
            record: Record(key: RecordKey(.setting, 0), revision: 0, created: 0, scope: 0, time: 0, document: [])
        )
    }
}
