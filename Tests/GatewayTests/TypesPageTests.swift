import Foundation
import Model
import Testing

/// The tables of `docs/reference/api.md`.
@Suite struct TypesPageTests {
    private static let page: URL = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/reference/api.md")
    private static let begin: String = "<!-- begin: written from the schemas -->\n"
    private static let end: String = "<!-- end -->\n"

    private static func words(_ words: [String]) -> String { words.map { "`\($0)`" }.joined(separator: " ") }

    static var tables: String {
        var text: String = "\n| type | id | collection | resource | actions | links |\n|---|---|---|---|---|---|\n"
        for type in Schemas.all where !type.isSchemaOnly {
            let id: String = type.idLetters.map { "`1\($0)…`" } ?? ""
            let collection: String = words(type.collectionMethods.map(\.rawValue))
            let resource: String = words(type.resourceMethods.map(\.rawValue))
            text +=
                "| `\(type.name)` | \(id) | \(collection) | \(resource) | \(words(type.actions.map(\.name))) "
                + "| \(words(type.links.map(\.name))) |\n"
        }
        text += "\n| type | set on create | set later | cannot be asked for yet |\n|---|---|---|---|\n"
        for type in Schemas.all where type.isCreatable || !type.updatableFields.isEmpty {
            // What containers and launch configurations have in common is told once.
            let fields: [FieldDefinition] = type.fields.filter { type.name != "container" || !isShared($0) }
            let create: [String] = fields.filter(\.isCreatable).map { $0.isRequired ? "\($0.name)!" : $0.name }
            guard !type.isSchemaOnly else { continue }
            text +=
                "| `\(type.name)` | \(words(create)) | \(words(fields.filter(\.isUpdatable).map(\.name))) "
                + "| \(words(type.unsupported.map(\.name))) |\n"
        }
        let shared: [FieldDefinition] = Schemas.definition("container")?.fields.filter { isShared($0) } ?? []
        text += "\n`!` is required. Containers and launch configurations take also: "
        return text + "\(words(shared.map(\.name))).\n\n"
    }

    private static func isShared(_ field: FieldDefinition) -> Bool {
        field.isCreatable && Schemas.definition("launchConfig")?.field(field.name) != nil
            && !["name", "description"].contains(field.name)
    }

    /// With `DROVER_REWRITE=1` in the environment the tables are written anew; review the difference like code.
    @Test func `the page of the API lists the types of the schemas`() throws {
        var text = try String(contentsOf: Self.page, encoding: .utf8)
        let start = try #require(text.range(of: Self.begin))
        let stop = try #require(text.range(of: Self.end))
        if ProcessInfo.processInfo.environment["DROVER_REWRITE"] == "1" {
            text.replaceSubrange(start.upperBound..<stop.lowerBound, with: Self.tables)
            try text.write(to: Self.page, atomically: true, encoding: .utf8)
            return
        }
        #expect(text[start.upperBound..<stop.lowerBound] == Self.tables[...], "DROVER_REWRITE=1 writes it")
    }
}
