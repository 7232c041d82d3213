import HTTP
import JSON

/// The names of `/v1`, where they are others: a stack is an `environment` there, and its id stands in `environmentId`.
///
/// Requests are read into the names of `/v2-beta` before anything looks at them, and documents are renamed when everything
/// is done with them; in between there is one language only. Nothing that users wrote is renamed: only the places where the
/// framework writes names of types, fields and links.
enum VersionOne {
    /// Lower-case words of `/v1`, and what they are.
    private static let own: [String: String] = [
        "environment": "stack", "environments": "stacks", "environmentid": "stackId",
    ]
    private static let theirs: [String: String] = [
        "stack": "environment", "stacks": "environments", "stackId": "environmentId", "stackid": "environmentid",
    ]

    // MARK: What comes in

    /// A word of a path: a type or a link.
    static func own(word: String) -> String { own[word.lowercased()] ?? word }

    /// Filters, and what `include` and `sort` name.
    static func own(query: QueryItems) -> QueryItems {
        QueryItems(items: query.items.map { renamed($0, field: { own(field: $0) }, word: { own(word: $0) }) })
    }

    static func own(body: JSONObject) -> JSONObject {
        var result = JSONObject()
        for (key, value) in body { result.append(own(field: key), value) }
        return result
    }

    /// The word `environment` alone is no reference: containers have a field of that name.
    private static func own(field: String) -> String { field.lowercased() == "environmentid" ? "stackId" : field }

    private static func renamed(
        _ item: QueryItems.Item,
        field: (String) -> String,
        word: (String) -> String
    ) -> QueryItems.Item {
        if item.name == "include" || item.name == "sort" { return QueryItems.Item(item.name, word(item.value)) }
        guard let separator: String.Index = item.name.lastIndex(of: "_"), separator > item.name.startIndex else {
            return QueryItems.Item(field(item.name), item.value)
        }
        return QueryItems.Item(field(String(item.name[..<separator])) + item.name[separator...], item.value)
    }

    // MARK: What goes out

    static func theirs(word: String) -> String { theirs[word] ?? word }

    /// A document of the framework: a resource, a collection, a schema or an error.
    static func document(_ value: JSONValue) -> JSONValue {
        guard let document: JSONObject = value.object else { return value }
        switch document["type"]?.string {
        case "collection": return .object(collection(document))
        case "schema": return .object(schema(document))
        default: return .object(resource(document))
        }
    }

    private static func resource(_ document: JSONObject) -> JSONObject {
        var result = JSONObject()
        for (key, value) in document {
            switch key {
            case "type", "baseType", "kind", "fieldName": result.append(key, name(value))
            case "links": result.append(key, keys(value))
            case "stackId": result.append("environmentId", value)
            case "stack", "stacks":
                // What was included; not over a field of the same name.
                let shown: String = theirs(word: key)
                if document[shown] == nil { result.append(shown, included(value)) }
            default: result.append(key, included(value))
            }
        }
        return result
    }

    /// A document within another one, as `include` embeds it: with links of its own.
    private static func included(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object) where object["links"]?["self"] != nil: .object(resource(object))
        case .array(let elements) where elements.first?["links"]?["self"] != nil: .array(elements.map { included($0) })
        default: value
        }
    }

    private static func collection(_ document: JSONObject) -> JSONObject {
        var result = JSONObject()
        for (key, value) in document {
            switch key {
            case "resourceType": result.append(key, name(value))
            case "createTypes", "filters", "createDefaults": result.append(key, keys(value))
            case "sortLinks":
                var links = JSONObject()
                for (field, link) in value.object ?? [:] { links.append(theirs(word: field), address(link)) }
                result.append(key, .object(links))
            case "sort", "pagination":
                var members = JSONObject()
                for (member, inner) in value.object ?? [:] {
                    members.append(member, member == "name" ? name(inner) : address(inner))
                }
                result.append(key, value.object == nil ? value : .object(members))
            case "data": result.append(key, .array((value.array ?? []).map { Self.document($0) }))
            default: result.append(key, value)
            }
        }
        return result
    }

    private static func schema(_ document: JSONObject) -> JSONObject {
        var result = JSONObject()
        for (key, value) in document {
            switch key {
            case "id", "pluralName": result.append(key, name(value))
            case "resourceFields":
                var fields = JSONObject()
                for (field, definition) in value.object ?? [:] {
                    var definition: JSONObject = definition.object ?? [:]
                    definition["type"] = type(definition["type"] ?? .null)
                    fields.append(theirs(word: field), .object(definition))
                }
                result.append(key, .object(fields))
            case "resourceActions":
                var actions = JSONObject()
                for (action, definition) in value.object ?? [:] {
                    let input: JSONValue = name(definition["input"] ?? .null)
                    actions.append(action, ["input": input, "output": name(definition["output"] ?? .null)])
                }
                result.append(key, .object(actions))
            case "collectionFilters": result.append(key, keys(value))
            case "includeableLinks": result.append(key, .array((value.array ?? []).map { name($0) }))
            default: result.append(key, value)
            }
        }
        return result
    }

    private static func name(_ value: JSONValue) -> JSONValue {
        value.string.map { .string(theirs(word: $0)) } ?? value
    }

    /// `reference[stack]` and what stands in arrays.
    private static func type(_ value: JSONValue) -> JSONValue {
        guard let text: String = value.string, let found = text.firstRange(of: "[stack]") else { return name(value) }
        return .string(text.replacing(found, with: "[environment]"))
    }

    private static func keys(_ value: JSONValue) -> JSONValue {
        guard let object: JSONObject = value.object else { return value }
        var result = JSONObject()
        for (key, member) in object { result.append(theirs(word: key), member) }
        return .object(result)
    }

    /// An address with the query that it would be asked with.
    private static func address(_ value: JSONValue) -> JSONValue {
        guard let text: String = value.string, let mark: String.Index = text.firstIndex(of: "?"),
            let query = QueryItems(String(text[text.index(after: mark)...]))
        else { return value }
        let renamed: [QueryItems.Item] = query.items.map {
            Self.renamed($0, field: { theirs(word: $0) }, word: { theirs(word: $0) })
        }
        return .string("\(text[..<mark])?\(QueryItems(items: renamed).encoded)")
    }
}

extension String {
    fileprivate func replacing(_ range: Range<String.Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
