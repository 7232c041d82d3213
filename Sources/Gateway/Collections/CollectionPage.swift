import JSON
import Model

/// The rows of a collection that a request shows.
struct CollectionPage {
    private(set) var rows: [Resource] = []
    /// Whether there are more behind them.
    private(set) var isPartial: Bool = false
    /// How many there are on all pages; nil where the page was full before the last of them was looked at.
    private(set) var total: Int?

    /// Goes through the numbers in the order of the request, and no further than the page needs: only a collection that
    /// is sorted by something else than its ids is decoded as a whole.
    ///
    /// - Parameters:
    ///   - numbers: ascending: the order of rows that nothing else tells apart.
    ///   - resource: nil where there is nothing that the caller is shown.
    init(_ numbers: [UInt64], _ query: CollectionQuery, resource: (_ number: UInt64) -> Resource?) {
        func row(_ number: UInt64) -> Resource? { resource(number).flatMap { query.shows($0) ? $0 : nil } }
        guard let sort = query.sort, sort.field != "id" else {
            let isDescending: Bool = query.sort?.descending ?? false
            var skipped: Int = 0
            for position in numbers.indices {
                let number: UInt64 = numbers[isDescending ? numbers.count - 1 - position : position]
                guard let found: Resource = row(number) else { continue }
                if skipped < query.offset {
                    skipped += 1
                } else if rows.count < query.limit {
                    rows.append(found)
                } else {
                    isPartial = true
                    return
                }
            }
            total = skipped + rows.count
            return
        }
        let found: [Resource] = Self.sorted(numbers.compactMap { row($0) }, by: sort.field, sort.descending)
        let start: Int = min(query.offset, found.count)
        let end: Int = min(query.end, found.count)
        rows = Array(found[start..<end])
        isPartial = end < found.count
        total = found.count
    }

    /// By the wanted field, then by where they stood in the same direction.
    private static func sorted(_ resources: [Resource], by field: String, _ isDescending: Bool) -> [Resource] {
        let ascending: [Resource] = resources.enumerated().sorted { left, right in
            let order: Int = compare(left.element.values[field] ?? .null, right.element.values[field] ?? .null)
            return order == 0 ? left.offset < right.offset : order < 0
        }.map(\.element)
        return isDescending ? ascending.reversed() : ascending
    }

    private static func compare(_ left: JSONValue, _ right: JSONValue) -> Int {
        switch (left, right) {
        case (.null, .null): return 0
        case (.null, _): return -1
        case (_, .null): return 1
        case (.string(let left), .string(let right)): return left == right ? 0 : (left < right ? -1 : 1)
        case (.bool(let left), .bool(let right)): return left == right ? 0 : (right ? -1 : 1)
        default:
            let (first, second): (Double, Double) = (left.double ?? 0, right.double ?? 0)
            return first == second ? 0 : (first < second ? -1 : 1)
        }
    }
}
