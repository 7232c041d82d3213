/// One stored thing: its document, and what apply needs to know about it.
package struct Record: Hashable, Sendable {
    package var key: RecordKey
    /// The entry that last changed it.
    package var revision: Revision
    /// The entry that created it.
    package var created: Revision
    /// The environment that owns it; 0 for the cluster.
    package var scope: UInt64
    /// Milliseconds since 1970 of the last change, by its proposer's clock.
    package var time: Int64
    /// A JSON object.
    package var document: [UInt8]
    /// What it is found by besides its key.
    ///
    /// Ascending, each once.
    package private(set) var terms: [[UInt8]]
    /// What no other record may claim.
    ///
    /// Ascending, each once.
    package private(set) var uniqueKeys: [[UInt8]]

    package init(
        key: RecordKey,
        revision: Revision,
        created: Revision,
        scope: UInt64,
        time: Int64,
        document: [UInt8],
        terms: [[UInt8]] = [],
        uniqueKeys: [[UInt8]] = []
    ) {
        self.key = key
        self.revision = revision
        self.created = created
        self.scope = scope
        self.time = time
        self.document = document
        self.terms = Self.ascending(terms)
        self.uniqueKeys = Self.ascending(uniqueKeys)
    }

    package func has(term: [UInt8]) -> Bool {
        var low: Int = 0
        var high: Int = terms.count
        while low < high {
            let middle: Int = (low + high) / 2
            if terms[middle].lexicographicallyPrecedes(term) { low = middle + 1 } else { high = middle }
        }
        return low < terms.count && terms[low] == term
    }

    /// Sorted and without repeats, so that equal records have equal bytes.
    private static func ascending(_ keys: [[UInt8]]) -> [[UInt8]] {
        guard keys.count > 1 else { return keys }
        let sorted: [[UInt8]] = keys.sorted { $0.lexicographicallyPrecedes($1) }
        var result: [[UInt8]] = []
        result.reserveCapacity(sorted.count)
        for key in sorted where result.last != key { result.append(key) }
        return result
    }
}
