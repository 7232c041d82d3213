import HTTP
import JSON
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
    private let idsAreNames: Bool

    /// - Parameters:
    ///   - items: the decoded query in its order.
    ///   - fields: those that can be filtered by and that the caller sees: a filter on another one would tell its value.
    ///   - now: milliseconds since 1970, for dates that are given as `now`.
    ///   - idsAreNames: whether rows have names for ids, under the member `id`.
    /// - Throws: 400 for more filters than anybody needs.
    init(
        _ items: [QueryItems.Item],
        fields: [FieldDefinition],
        now: Int64,
        idsAreNames: Bool = false
    ) throws(Problem) {
        var byName: [String: FieldDefinition] = [:]
        for field in fields { byName[field.name.lowercased()] = field }
        self.idsAreNames = idsAreNames
        var sortField: String?
        var descending = false
        for item in items {
            switch item.name {
            case "limit": limit = Self.limit(item.value)
            case "marker": offset = Self.offset(item.value)
            case "sort":
                sortField = byName[item.value.lowercased()]?.name
            case "order": descending = item.value.lowercased() == "desc"
            case "include": include = include ?? item.value.lowercased()
            case "_removed": showsRemoved = true
            default:
                if let filter: Filter = filter(item.name, item.value, byName, now) { filters.append(filter) }
            }
        }
        guard filters.count <= Limits.collectionFilters else {
            throw .badRequest("\(filters.count) filters in one request; \(Limits.collectionFilters) are possible.")
        }
        sort = sortField.map { (field: $0, descending: descending) }
        // Whoever filters on it wants to see it.
        if filters.contains(where: { $0.field == "removed" && $0.modifier != .null }) { showsRemoved = true }
    }

    /// Behind the last row that fits; the next page starts here.
    var end: Int { min(offset, .max - limit) + limit }

    /// Whether a row passes all filters.
    func shows(_ resource: Resource) -> Bool {
        if resource.isRemoved, !showsRemoved { return false }
        return filters.allSatisfy { filter in
            // Ids are texts in documents, but numbers are what is compared.
            let isNumber: Bool = filter.field == "id" && !idsAreNames
            return filter.matches(isNumber ? JSONValue(resource.number) : resource.values[filter.field] ?? .null)
        }
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

    private func filter(
        _ name: String,
        _ value: String,
        _ fields: [String: FieldDefinition],
        _ now: Int64
    ) -> Filter? {
        if let field: FieldDefinition = fields[name.lowercased()] { return made(field, .eq, value, now) }
        guard let separator: String.Index = name.lastIndex(of: "_"),
            let modifier = Filter.Modifier(rawValue: String(name[name.index(after: separator)...]).lowercased()),
            let field: FieldDefinition = fields[String(name[..<separator]).lowercased()],
            field.filterModifiers.contains(modifier.rawValue)
        else { return nil }
        return made(field, modifier, value, now)
    }

    private func made(_ field: FieldDefinition, _ modifier: Filter.Modifier, _ value: String, _ now: Int64) -> Filter {
        Filter(field, modifier, value, now: now, idsAreNames: idsAreNames)
    }
}
