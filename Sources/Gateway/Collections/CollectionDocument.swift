import HTTP
import JSON
import Model

/// A page of resources (contract A11).
enum CollectionDocument {
    /// Filters, sorts and cuts `resources`, and makes the document.
    ///
    /// - Parameters:
    ///   - path: the address of the collection without its query.
    ///   - query: the query as it came; paging and sort links keep its other keys.
    ///   - createDefaults: what a POST here would fill in, for a collection below another resource.
    static func make(
        _ resources: [Resource],
        of definition: ResourceDefinition,
        query: CollectionQuery,
        items: [QueryItems.Item],
        path: String,
        renderer: Renderer,
        createDefaults: JSONObject? = nil,
        embed: (_ resource: Resource) -> (name: String, value: JSONValue)? = { _ in nil }
    ) -> JSONValue {
        let asked: [Resource] = comparable(resources, query, renderer)
        let found: [Resource] = sorted(asked.filter { passes($0, query) }, query)
        let start: Int = min(query.offset, found.count)
        let end: Int = min(start + query.limit, found.count)
        let isPartial: Bool = end < found.count
        var data: [JSONValue] = []
        for resource in found[start..<end] {
            var document: JSONObject = renderer.document(resource)
            if let embedded = embed(resource) { document[embedded.name] = embedded.value }
            data.append(.object(document))
        }
        var document: JSONObject = [
            "type": "collection", "resourceType": .string(definition.name), "links": ["self": .string(path)],
        ]
        let subtypes: [ResourceDefinition] = Schemas.subtypes(of: definition.name)
        if !subtypes.isEmpty {
            var createTypes = JSONObject()
            for type in [definition] + subtypes where renderer.rights.collectionMethods(of: type).contains(.post) {
                createTypes[type.name] = .string(renderer.links.collection(type))
            }
            document["createTypes"] = .object(createTypes)
        }
        document["actions"] = [:]
        let fields: [FieldDefinition] = renderer.rights.visibleFields(of: definition).filter(\.isFilterable)
        document["data"] = .array(data)
        document["sortLinks"] = .object(sortLinks(fields, items, path))
        document["pagination"] = [
            "first": nil, "previous": nil,
            "next": isPartial
                ? .string(address(path, items, setting: ["limit": "\(query.limit)", "marker": "m\(end)"])) : nil,
            "limit": JSONValue(query.limit), "total": nil, "partial": .bool(isPartial),
        ]
        document["sort"] = sort(query, items, path)
        document["filters"] = .object(filters(fields, query))
        if let createDefaults { document["createDefaults"] = .object(createDefaults) }
        return .object(document)
    }

    /// Without the rows whose compared fields the caller does not see: neither a filter nor an order may tell of them.
    private static func comparable(
        _ resources: [Resource],
        _ query: CollectionQuery,
        _ renderer: Renderer
    ) -> [Resource] {
        let compared: Set<String> = Set(query.filters.map(\.field) + [query.sort?.field].compactMap(\.self))
        guard !compared.isEmpty, let first: Resource = resources.first,
            renderer.rights.hidesFieldsByObject(first.definition.name)
        else { return resources }
        return resources.filter {
            renderer.rights.hiddenFields(of: $0, in: renderer.view).isDisjoint(with: compared)
        }
    }

    private static func passes(_ resource: Resource, _ query: CollectionQuery) -> Bool {
        if resource.isRemoved, !query.showsRemoved { return false }
        return query.filters.allSatisfy { filter in
            // Ids are texts in documents, but numbers are what is compared.
            filter.matches(filter.field == "id" ? JSONValue(resource.number) : resource.values[filter.field] ?? .null)
        }
    }

    /// By the wanted field, then by number in the same direction.
    private static func sorted(_ resources: [Resource], _ query: CollectionQuery) -> [Resource] {
        guard let sort = query.sort else { return resources.sorted { $0.number < $1.number } }
        let ascending: [Resource] = resources.sorted { left, right in
            guard sort.field != "id" else { return left.number < right.number }
            let order: Int = compare(left.values[sort.field] ?? .null, right.values[sort.field] ?? .null)
            return order == 0 ? left.number < right.number : order < 0
        }
        return sort.descending ? ascending.reversed() : ascending
    }

    private static func compare(_ left: JSONValue, _ right: JSONValue) -> Int {
        switch (left, right) {
        case (.null, .null): return 0
        case (.null, _): return -1
        case (_, .null): return 1
        case (.string(let left), .string(let right)): return left == right ? 0 : (left < right ? -1 : 1)
        case (.bool(let left), .bool(let right)): return left == right ? 0 : (right ? -1 : 1)
        default:
            let (first, second): (Double, Double) = (left.double ?? 0, right.double ?? 0)
            return first == second ? 0 : (first < second ? -1 : 1)
        }
    }

    private static func sortLinks(
        _ fields: [FieldDefinition],
        _ items: [QueryItems.Item],
        _ path: String
    ) -> JSONObject {
        var object = JSONObject()
        let rest: [QueryItems.Item] = items.filter { $0.name != "order" }
        for field in fields {
            object[field.name] = .string(address(path, rest, setting: ["sort": field.name]))
        }
        return object
    }

    private static func sort(_ query: CollectionQuery, _ items: [QueryItems.Item], _ path: String) -> JSONValue {
        guard let sort = query.sort else { return nil }
        return [
            "name": .string(sort.field), "order": sort.descending ? "desc" : "asc",
            "reverse": .string(
                address(path, items, setting: ["sort": sort.field, "order": sort.descending ? "asc" : "desc"])
            ),
        ]
    }

    private static func filters(_ fields: [FieldDefinition], _ query: CollectionQuery) -> JSONObject {
        var object = JSONObject()
        for field in fields {
            let applied: [JSONValue] = query.filters.filter { $0.field == field.name }.map {
                ["value": .string($0.text), "modifier": .string($0.modifier.rawValue)]
            }
            object[field.name] = applied.isEmpty ? .null : .array(applied)
        }
        return object
    }

    /// The collection's address with some query keys set and all others kept.
    private static func address(
        _ path: String,
        _ items: [QueryItems.Item],
        setting values: KeyValuePairs<String, String>
    ) -> String {
        let replaced: Set<String> = Set(values.map(\.key))
        // Paging belongs to one order: a link that changes the order starts at the beginning.
        let dropped: Set<String> = replaced.contains("marker") ? replaced : replaced.union(["marker"])
        var kept: [QueryItems.Item] = items.filter { !dropped.contains($0.name) }
        kept.append(contentsOf: values.map { QueryItems.Item($0.key, $0.value) })
        return "\(path)?\(QueryItems(items: kept).encoded)"
    }
}
