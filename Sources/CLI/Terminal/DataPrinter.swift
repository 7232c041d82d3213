package import JSON
internal import YAML

extension Invocation {
    /// Prints resources as the API gave them, or the table.
    func show(_ resources: [JSONObject], table: () -> Table) {
        switch output {
        case .table: console.write(table().text(width: console.columns(), colour: console.usesColour))
        case .json, .yaml: show(.array(resources.map { .object($0.withoutLinks) }))
        }
    }

    /// Prints a document as JSON or YAML.
    package func show(_ document: JSONValue) {
        if output == .yaml {
            console.write(YAMLEmitter.text(document.yaml))
        } else {
            let text: String = JSONWriter.pretty(document)
            console.write(text.hasSuffix("\n") ? text : text + "\n")
        }
    }
}

extension JSONObject {
    /// What is of no use outside of the API is left out.
    var withoutLinks: JSONObject {
        var object: JSONObject = self
        object["links"] = nil
        object["actions"] = nil
        return object
    }
}

extension JSONValue {
    var yaml: YAMLNode {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .double(let value): .double(value)
        case .string(let value): .string(value)
        case .array(let values): .sequence(values.map(\.yaml))
        case .object(let object): .mapping(object.map { (key: $0.0, value: $0.1.yaml) })
        }
    }
}
