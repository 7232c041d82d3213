package import JSON
package import Model

/// Puts a cluster's number behind the ids of documents, and takes it off again.
///
/// Pure. Only declared fields change: an id, a reference, an address that begins with the API's own. What looks like an id in
/// a text of a user's is left as it is.
package struct ClusterIDs: Sendable {
    package let cluster: UInt32
    /// The address that the documents' links begin with, without a slash at the end.
    package let base: String

    package init(cluster: UInt32, base: String) {
        self.cluster = cluster
        self.base = base
    }

    // MARK: Out

    private static let addresses: Set<String> = ["links", "actions", "actionLinks", "sortLinks", "createTypes"]

    /// A document of the API, or a collection of them.
    package func numbered(_ document: JSONValue) -> JSONValue {
        guard let object: JSONObject = document.object, let type: String = object["type"]?.string else {
            return document
        }
        let definition: ResourceDefinition? = Schemas.definition(type)
        let isCollection: Bool = type == "collection"
        var result = JSONObject()
        result.reserve(object.count)
        for (key, value) in object {
            result.append(key, numbered(key, value, definition, isCollection: isCollection))
        }
        return .object(result)
    }

    private func numbered(
        _ key: String,
        _ value: JSONValue,
        _ definition: ResourceDefinition?,
        isCollection: Bool
    ) -> JSONValue {
        if Self.addresses.contains(key) { return addressesNumbered(value) }
        if isCollection {
            switch key {
            case "data": return .array((value.array ?? []).map { numbered($0) })
            case "pagination", "sort": return addressesNumbered(value)
            default: return value
            }
        }
        guard let definition else { return value }
        if key == "id" { return definition.idLetters == nil ? value : numberedID(value) }
        if let field: FieldDefinition = definition.field(key) { return numbered(value, field.type) }
        // What was asked for with `include`.
        guard definition.links.contains(where: { $0.name == key }) else { return value }
        return value.array.map { .array($0.map { numbered($0) }) } ?? numbered(value)
    }

    private func numbered(_ value: JSONValue, _ type: FieldType) -> JSONValue {
        switch (value, type) {
        case (_, .reference): return numberedID(value)
        case (.array(let elements), .array(let inner)): return .array(elements.map { numbered($0, inner) })
        case (.object(let members), .map(let inner)):
            var result = JSONObject()
            for (key, member) in members { result.append(key, numbered(member, inner)) }
            return .object(result)
        case (.object(let members), .embedded(let schema)):
            let definition: ResourceDefinition? = Schemas.definition(members["type"]?.string ?? schema)
            var result = JSONObject()
            for (key, member) in members {
                result.append(key, definition?.field(key).map { numbered(member, $0.type) } ?? member)
            }
            return .object(result)
        default: return value
        }
    }

    private func numberedID(_ value: JSONValue) -> JSONValue {
        guard let text: String = value.string, let id = ResourceID(text), id.cluster == nil else { return value }
        return .string("\(text)c\(cluster)")
    }

    private func addressesNumbered(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): return .string(numbered(address: text))
        case .object(let members):
            var result = JSONObject()
            for (key, member) in members { result.append(key, addressesNumbered(member)) }
            return .object(result)
        default: return value
        }
    }

    /// An address of the API with the number behind every id of its path; others as they are.
    package func numbered(address: String) -> String {
        guard address.hasPrefix(base + "/") else { return address }
        let rest: Substring = address.dropFirst(base.count)
        let end: Substring.Index = rest.firstIndex(of: "?") ?? rest.endIndex
        let segments: [String] = rest[..<end].split(separator: "/", omittingEmptySubsequences: false).map { segment in
            guard let id = ResourceID(String(segment)), id.cluster == nil else { return String(segment) }
            return "\(segment)c\(cluster)"
        }
        return base + segments.joined(separator: "/") + rest[end...]
    }

    // MARK: In

    /// An id or reference of another cluster stands where only this one's can.
    package struct Foreign: Error, Equatable {
        package let field: String
        package let id: String

        package init(field: String, id: String) {
            self.field = field
            self.id = id
        }
    }

    /// A body whose references are this cluster's, without its number.
    ///
    /// - Parameter definition: what the body is one of.
    /// - Throws: ``Foreign`` for an id without this cluster's number in a field that refers to something.
    package func plain(body: JSONObject, _ definition: ResourceDefinition) throws(Foreign) -> JSONObject {
        var result = JSONObject()
        for (key, value) in body {
            let type: FieldType? = key == "id" ? .reference(definition.name) : definition.field(key)?.type
            result.append(key, try type.map { type throws(Foreign) in try plain(value, type, key) } ?? value)
        }
        return result
    }

    private func plain(_ value: JSONValue, _ type: FieldType, _ field: String) throws(Foreign) -> JSONValue {
        switch (value, type) {
        case (.string(let text), .reference):
            guard let id = ResourceID(text) else { return value }
            guard id.cluster == cluster else { throw Foreign(field: field, id: text) }
            return .string(Self.withoutCluster(text))
        case (.array(let elements), .array(let inner)):
            var result: [JSONValue] = []
            for element in elements { result.append(try plain(element, inner, field)) }
            return .array(result)
        case (.object(let members), .map(let inner)):
            var result = JSONObject()
            for (key, member) in members { result.append(key, try plain(member, inner, field)) }
            return .object(result)
        case (.object(let members), .embedded(let schema)):
            guard let definition = Schemas.definition(members["type"]?.string ?? schema) else { return value }
            var result = JSONObject()
            for (key, member) in members {
                guard let type: FieldType = definition.field(key)?.type else {
                    result.append(key, member)
                    continue
                }
                result.append(key, try plain(member, type, key))
            }
            return .object(result)
        default: return value
        }
    }

    /// A value of the query: an id of this cluster without its number, and what is none as it is.
    package func plain(queryValue: String) -> String {
        guard let id = ResourceID(queryValue), id.cluster == cluster else { return queryValue }
        return Self.withoutCluster(queryValue)
    }

    /// `1s42` of `1s42c3`.
    package static func withoutCluster(_ id: String) -> String {
        guard ResourceID(id)?.cluster != nil, let mark: String.Index = id.lastIndex(of: "c") else { return id }
        return String(id[..<mark])
    }
}
