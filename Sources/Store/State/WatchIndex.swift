import StoreFormat

/// Finds the watches that an entry may concern without asking each.
///
/// Every watch is filed under the narrowest part of its filter. So a thousand hosts that each watch
/// their own instances cost nothing to a change that concerns one of them.
struct WatchIndex: Sendable {
    private enum Place: Hashable {
        case number(UInt64)
        case term([UInt8])
        case scope(UInt64)
        case table(Table)
        case everything
    }

    private var filed: [Place: [UInt64: WatchQueue]] = [:]
    private var termCount: Int = 0

    mutating func insert(_ queue: WatchQueue) {
        for place in places(of: queue.filter) {
            filed[place, default: [:]][queue.id] = queue
            if case .term = place { termCount += 1 }
        }
    }

    mutating func remove(_ queue: WatchQueue) {
        for place in places(of: queue.filter) {
            guard filed[place]?.removeValue(forKey: queue.id) != nil else { continue }
            if case .term = place { termCount -= 1 }
            if filed[place]?.isEmpty == true { filed[place] = nil }
        }
    }

    private func places(of filter: WatchFilter) -> [Place] {
        if let numbers = filter.numbers { return numbers.map { .number($0) } }
        if let term = filter.term { return [.term(term)] }
        if let scopes = filter.scopes { return scopes.map { .scope($0) } }
        if let tables = filter.tables { return tables.map { .table($0) } }
        return [.everything]
    }

    /// Every watch whose filter may see one of the changes, each once.
    func candidates(for changes: [RecordChange]) -> [UInt64: WatchQueue] {
        var found: [UInt64: WatchQueue] = filed[.everything] ?? [:]
        var places: Set<Place> = []
        for change in changes {
            places.insert(.number(change.key.number))
            places.insert(.table(change.key.table))
            for record in [change.before, change.after] {
                guard let record else { continue }
                places.insert(.scope(record.scope))
                if termCount > 0 { for term in record.terms { places.insert(.term(term)) } }
            }
        }
        for place in places {
            guard let queues = filed[place] else { continue }
            // Most often there is one place; then its table is taken as it is.
            if found.isEmpty { found = queues } else { found.merge(queues) { same, _ in same } }
        }
        return found
    }
}
