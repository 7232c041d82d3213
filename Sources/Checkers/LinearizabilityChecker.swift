/// What a ``LinearizabilityChecker`` found.
package enum LinearizabilityVerdict: Hashable, Sendable {
    /// For every key there is an order.
    case linearizable(operations: Int, keys: Int)
    /// For a key there is none; why, for people.
    case violated(key: String, String)
    /// The bound on work was hit: counts as a failure, since nothing was shown.
    case undecided(key: String, String)

    package var isLinearizable: Bool {
        if case .linearizable = self { true } else { false }
    }

    /// Nil when all is well.
    package var complaint: String? {
        switch self {
        case .linearizable: nil
        case .violated(_, let text), .undecided(_, let text): text
        }
    }
}

/// Looks for an order of each key's operations that explains what all clients heard.
///
/// After Wing and Gong, with Lowe's refinement ("Testing for linearizability", 2017): keys are judged one by one; all states
/// that the key may be in are kept together, and an operation is put into the order only when its answer, or that of
/// another that needs it, has come. States that were seen are not gone into again.
///
/// A change without an answer may take its place at any later time or never. It is tried only right before an operation
/// that cannot have happened without it: anywhere else it could as well come later, or not at all. Of two ways to one state
/// the one that needs fewer of them is kept.
package struct LinearizabilityChecker: Sendable {
    /// Steps of the search for one key.
    package static let defaultWork: Int = 2_000_000
    /// Operations on one key that are under way at once.
    static let widest: Int = 64

    package var work: Int

    package init(work: Int = LinearizabilityChecker.defaultWork) { self.work = work }

    /// Judges a history; operations may come in any order.
    package func check(_ operations: [ClientOperation]) -> LinearizabilityVerdict {
        var keys: [String: [ClientOperation]] = [:]
        for operation in operations {
            guard operation.isWellFormed else {
                return .violated(key: operation.key, "no such operation can be: \(operation)")
            }
            keys[operation.key, default: []].append(operation)
        }
        var undecided: LinearizabilityVerdict?
        for (key, operations) in keys.sorted(by: { $0.key < $1.key }) {
            var search = RegisterSearch(key: key, operations, work: work)
            switch search.run() {
            case .explained: continue
            case .violated(let text): return .violated(key: key, text)
            case .undecided(let text): undecided = undecided ?? .undecided(key: key, text)
            }
        }
        return undecided ?? .linearizable(operations: operations.count, keys: keys.count)
    }
}
