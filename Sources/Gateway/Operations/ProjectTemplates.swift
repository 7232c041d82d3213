import JSON
import Model
import StoreFormat

/// What environments are made from: one template, built in, that brings no stacks.
///
/// It is no record, and nothing can be changed about it.
enum ProjectTemplates {
    static let type: String = "projectTemplate"
    private static let number: UInt64 = 1

    static func exists(_ id: ResourceID) -> Bool { id.cluster == nil && id.number == number }

    static func answer(_ exchange: Exchange) throws(Problem) -> Answer {
        guard let definition: ResourceDefinition = exchange.definition else { throw .fault }
        try SpecialPaths.requireReading(exchange)
        let template: Resource = resource(definition)
        if let id: String = exchange.path.id {
            guard let parsed = ResourceID(id), exists(parsed) else { throw .notFound("There is no \(type) \(id).") }
            return .document(status: 200, .object(exchange.renderer.document(template)))
        }
        let query: CollectionQuery = try Reading.query(definition, exchange)
        let page = CollectionPage([number], query) { _ in template }
        return Reading.answer(page, of: definition, query, at: exchange.links.collection(definition), exchange)
    }

    private static func resource(_ definition: ResourceDefinition) -> Resource {
        Resource(
            definition: definition,
            number: number,
            values: [
                "name": "Cattle", "kind": .string(type), "state": "active", "uuid": "projectTemplateCattle",
                "description": "An environment for stacks, services and containers, with none of them yet",
                "isPublic": true, "stacks": [], "transitioning": "no",
            ],
            stored: [:],
            // As settings without a record do.
            record: Record(key: RecordKey(.setting, 0), revision: 0, created: 0, scope: 0, time: 0, document: [])
        )
    }
}
