import HTTP
import JSON
import Model

/// A page of resources (contract A11).
enum CollectionDocument {
    /// - Parameters:
    ///   - path: the address of the collection without its query.
    ///   - query: the query as it came; paging and sort links keep its other keys.
    ///   - createDefaults: what a POST here would fill in, for a collection below another resource.
    static func make(
        _ page: CollectionPage,
        of definition: ResourceDefinition,
        query: CollectionQuery,
        items: [QueryItems.Item],
        path: String,
        renderer: Renderer,
        createDefaults: JSONObject? = nil,
        embed: (_ resource: Resource) -> (name: String, value: JSONValue)? = { _ in nil }
    ) -> JSONValue {
        var data: [JSONValue] = []
        for resource in page.rows {
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
            "next": page.isPartial
                ? .string(address(path, items, setting: ["limit": "\(query.limit)", "marker": "m\(query.end)"])) : nil,
            "limit": JSONValue(query.limit), "total": page.total.map { JSONValue($0) } ?? .null,
            "partial": .bool(page.isPartial),
        ]
        document["sort"] = sort(query, items, path)
        document["filters"] = .object(filters(fields, query))
        if let createDefaults { document["createDefaults"] = .object(createDefaults) }
        return .object(document)
    }

    static func sortLinks(
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

    static func sort(_ query: CollectionQuery, _ items: [QueryItems.Item], _ path: String) -> JSONValue {
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
