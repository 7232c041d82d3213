import Model
import Store
import StoreFormat

/// Which records a collection is made of: found by the narrowest index that the filters leave, so that looking up one thing
/// by its name does not decode all others.
///
/// An index only ever leaves out what a filter would leave out: every row is filtered all the same.
enum CollectionSource {
    /// Ascending.
    static func numbers(_ definition: ResourceDefinition, _ query: CollectionQuery, _ exchange: Exchange) -> [UInt64] {
        guard let table: Table = definition.table else { return [] }
        let view: StoreView = exchange.view
        if let filter: Filter = query.filters.first(where: { $0.field == "id" && $0.modifier == .eq }) {
            return filter.number.map { [$0] } ?? []
        }
        if table == .roleTemplate { return BuiltInTemplates.numbers + view.allNumbers(in: table) }
        if let found: [UInt64] = holder(ofName: table, query, exchange) { return found }
        for filter in query.filters where filter.modifier == .eq && filter.isReference {
            guard let indexed: [String] = RecordWriting.indexedReferences[table], indexed.contains(filter.field) else {
                continue
            }
            return filter.number.map { view.numbers(table, RecordWriting.term(filter.field, $0)) } ?? []
        }
        // An environment's own list of keys has those of nobody else, though keys are not of environments only.
        if definition.isEnvironmentScoped || table == .credential, let project: UInt64 = exchange.projectNumber {
            return view.numbers(table, RecordWriting.term(definition.environmentMember, project))
        }
        if table == .userPreference, UserPreferences.listsOwn(exchange) {
            let own: UInt64? = exchange.caller.accountNumber
            return own.map { view.numbers(table, RecordWriting.term("accountId", $0)) } ?? []
        }
        if let kind: String = definition.kind, RecordWriting.indexedTexts[table]?.contains("kind") == true {
            return view.numbers(table, Array("kind=\(kind)".utf8))
        }
        return view.allNumbers(in: table)
    }

    /// What has the name, where names are unique among the living; nil where they are not, or the dead are wanted, too.
    private static func holder(ofName table: Table, _ query: CollectionQuery, _ exchange: Exchange) -> [UInt64]? {
        guard !query.showsRemoved, let project: UInt64 = exchange.projectNumber,
            let name: String = query.filters.first(where: { $0.field == "name" && $0.modifier == .eq })?.text
        else { return nil }
        let key: String
        switch table {
        case .stack: key = "stack/\(project)/\(name.lowercased())"
        case .volume: key = "volume/\(project)/\(name.lowercased())"
        case .service:
            let stack: Filter? = query.filters.first { $0.field == "stackId" && $0.modifier == .eq }
            guard let number: UInt64 = stack?.number else { return nil }
            key = "service/\(number)/\(name.lowercased())"
        default: return nil
        }
        return exchange.view.holder(Array(key.utf8)).map { [$0.number] } ?? []
    }
}

extension StoreView {
    fileprivate func allNumbers(in table: Table) -> [UInt64] {
        var numbers: [UInt64] = []
        forEachRecord(in: table) { record in
            numbers.append(record.key.number)
            return true
        }
        return numbers
    }
}
