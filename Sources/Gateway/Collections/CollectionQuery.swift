import HTTP
import Limits
import Model

/// What a collection request asks for, read leniently: unknown keys are never an error.
struct CollectionQuery: Sendable {
    var filters: [Filter] = []
    /// A filterable field, and whether descending; nil for the default, ascending by id.
    var sort: (field: String, descending: Bool)?
    var limit: Int = Limits.collectionDefault
    var offset: Int = 0
    /// The one link to embed: only the first `include` counts.
    var include: String?
    var showsRemoved: Bool = false

    /// - Parameter items: the decoded query in its order.
    init(_ items: [QueryItems.Item], definition: ResourceDefinition) {
        var sortField: String?
        var descending = false
        for item in items {
            switch item.name {
            case "limit": limit = Self.limit(item.value)
            case "marker": offset = Self.offset(item.value)
            case "sort":
                sortField = definition.filterableField(item.value)?.name
            case "order": descending = item.value.lowercased() == "desc"
            case "include": include = include ?? item.value.lowercased()
            case "_removed": showsRemoved = true
            default:
                if let filter: Filter = Self.filter(item.name, item.value, definition) { filters.append(filter) }
            }
        }
        sort = sortField.map { (field: $0, descending: descending) }
        // Whoever filters on it wants to see it.
        if filters.contains(where: { $0.field == "removed" && $0.modifier != .null }) { showsRemoved = true }
    }

    private static func limit(_ text: String) -> Int {
        guard let value = Int(text) else { return Limits.collectionDefault }
        return value <= 0 ? Limits.collectionMaximum : min(value, Limits.collectionMaximum)
    }

    /// A marker is `m` and an offset; anything else starts at the beginning.
    private static func offset(_ text: String) -> Int {
        guard text.first == "m", let value = Int(text.dropFirst()), value >= 0 else { return 0 }
        return value
    }

    private static func filter(_ name: String, _ value: String, _ definition: ResourceDefinition) -> Filter? {
        if let field: FieldDefinition = definition.filterableField(name) {
            return Filter(field: field.name, modifier: .eq, text: value)
        }
        guard let separator: String.Index = name.lastIndex(of: "_"),
            let modifier = Filter.Modifier(rawValue: String(name[name.index(after: separator)...]).lowercased()),
            let field: FieldDefinition = definition.filterableField(String(name[..<separator]))
        else { return nil }
        return Filter(field: field.name, modifier: modifier, text: value)
    }
}

extension ResourceDefinition {
    /// The field of that name (any case) if collections can be filtered and sorted by it.
    func filterableField(_ name: String) -> FieldDefinition? {
        guard let field: FieldDefinition = fields.first(where: { $0.name.lowercased() == name.lowercased() }),
            field.isFilterable
        else { return nil }
        return field
    }
}
