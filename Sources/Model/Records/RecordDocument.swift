package import JSON

/// A stored document seen through typed accessors.
///
/// The members themselves are kept as they are: a node that does not know a member hands it on
/// unchanged, so nodes of different versions never lose each other's fields. References are plain
/// numbers here; only documents of the API show rendered ids.
package protocol RecordDocument: Hashable, Sendable {
    var fields: JSONObject { get set }
    init(fields: JSONObject)
}

extension RecordDocument {
    /// Decodes a stored document.
    ///
    /// - Throws: ``JSONError`` for bytes that are no JSON object: the store is damaged, for nothing else is ever written.
    package init(document: [UInt8]) throws(JSONError) {
        let value: JSONValue = try JSONReader.parse(document)
        guard let object: JSONObject = value.object else {
            throw JSONError(message: "a stored document is not an object", line: 1, column: 1)
        }
        self.init(fields: object)
    }

    package func text(_ key: String) -> String? { fields[key]?.string }
    package func number(_ key: String) -> Int64? { fields[key]?.int }
    package func reference(_ key: String) -> UInt64? { fields[key]?.int.flatMap { UInt64(exactly: $0) } }
    package func flag(_ key: String) -> Bool { fields[key]?.bool ?? false }

    /// A map whose values are all strings, such as labels; anything else in it is left out.
    package func textMap(_ key: String) -> [String: String] {
        guard let object: JSONObject = fields[key]?.object else { return [:] }
        var map: [String: String] = [:]
        for (name, value) in object {
            if let text: String = value.string { map[name] = text }
        }
        return map
    }

    package func texts(_ key: String) -> [String] { fields[key]?.array?.compactMap(\.string) ?? [] }
}

/// What every desired record of an API resource has.
package protocol ResourceRecord: RecordDocument {}

extension ResourceRecord {
    package var name: String {
        get { text("name") ?? "" }
        set { fields["name"] = .string(newValue) }
    }
    package var uuid: String {
        get { text("uuid") ?? "" }
        set { fields["uuid"] = .string(newValue) }
    }
    /// The concrete API type, such as `apiKey` for a record of the table `credential`.
    package var kind: String {
        get { text("kind") ?? "" }
        set { fields["kind"] = .string(newValue) }
    }
    package var state: String {
        get { text("state") ?? "" }
        set { fields["state"] = .string(newValue) }
    }
    /// The environment; nil for what belongs to the cluster.
    package var accountID: UInt64? {
        get { reference("accountId") }
        set { fields["accountId"] = newValue.map { JSONValue($0) } ?? .null }
    }
    /// Who made it: set once, on creation, and never changed.
    package var creatorID: UInt64? {
        get { reference("creatorId") }
        set { fields["creatorId"] = newValue.map { JSONValue($0) } ?? .null }
    }
    /// Milliseconds since 1970.
    package var created: Int64 {
        get { number("created") ?? 0 }
        set { fields["created"] = .int(newValue) }
    }
    /// Milliseconds since 1970 when its removal ended; nil while it lives.
    package var removed: Int64? {
        get { number("removed") }
        set { fields["removed"] = JSONValue(newValue) }
    }
}
