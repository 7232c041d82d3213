import HTTP
import JSON
import Model
import Store
import StoreFormat

/// `haConfig`: one resource that says whether this is a cluster (contract A22); `cluster` tells more.
enum HAConfig {
    static let type: String = "haConfig"

    static func answer(_ exchange: Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard let definition: ResourceDefinition = exchange.definition else { throw .fault }
        try SpecialPaths.requireReading(exchange)
        let members: Int = await gateway.cluster?.status(in: exchange.view)["members"]?.array?.count ?? 0
        let config = Resource(
            definition: definition,
            number: 1,
            values: [
                "id": .string(type), "name": .string(type), "clusterSize": JSONValue(max(1, members)),
                "enabled": .bool(members > 1),
            ],
            stored: [:],
            // As settings without a record do.
            record: Record(key: RecordKey(.setting, 0), revision: 0, created: 0, scope: 0, time: 0, document: [])
        )
        if let id: String = exchange.path.id {
            guard id.lowercased() == type.lowercased() else { throw .notFound("There is no \(type) \(id).") }
            return .document(status: 200, .object(exchange.renderer.document(config)))
        }
        let query = try CollectionQuery(
            exchange.query.items,
            fields: exchange.rights.visibleFields(of: definition).filter(\.isFilterable),
            now: exchange.time,
            idsAreNames: true
        )
        let page = CollectionPage([1], query) { _ in config }
        return Reading.answer(page, of: definition, query, at: exchange.links.collection(definition), exchange)
    }
}
