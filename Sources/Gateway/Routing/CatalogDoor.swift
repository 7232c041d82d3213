import HTTP
import JSON

/// The address of the catalog service, for clients that ask it before they list stacks: there are no catalogs here.
///
/// It has schemas of its own, of one type that can be listed, and nothing in the list.
enum CatalogDoor {
    static let name: String = "v1-catalog"

    /// - Parameter segments: of the path, the first of which is ``name``.
    /// - Returns: nil for what a catalog service without catalogs has not.
    static func answer(_ segments: [String], _ base: BaseURL) -> HTTPResponse? {
        let root: String = "\(base.text)/\(name)"
        let document: JSONValue
        switch segments.dropFirst().first?.lowercased() {
        case nil where segments.count == 1, "schemas" where segments.count == 2: document = schemas(root)
        case "templates" where segments.count == 2, "template" where segments.count == 2:
            document = collection("template", "\(root)/templates", [])
        default: return nil
        }
        return HTTPResponse(
            status: 200,
            headers: ["Content-Type": "application/json; charset=utf-8", "X-API-Schemas": "\(root)/schemas"],
            body: JSONWriter.bytes(document)
        )
    }

    private static func schemas(_ root: String) -> JSONValue {
        collection(
            "schema",
            "\(root)/schemas",
            [
                [
                    "id": "template", "type": "schema", "baseType": "schema", "pluralName": "templates",
                    "links": [
                        "self": .string("\(root)/schemas/template"), "collection": .string("\(root)/templates"),
                    ],
                    "actions": [:], "collectionMethods": ["GET"], "resourceMethods": [], "resourceFields": [:],
                    "resourceActions": [:], "collectionActions": [:], "collectionFields": [:],
                    "collectionFilters": [:], "includeableLinks": [],
                ]
            ]
        )
    }

    private static func collection(_ type: String, _ address: String, _ data: [JSONValue]) -> JSONValue {
        [
            "type": "collection", "resourceType": .string(type), "links": ["self": .string(address)], "actions": [:],
            "data": .array(data),
        ]
    }
}
