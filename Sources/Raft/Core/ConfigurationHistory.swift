/// The configurations along the log: each counts from the entry that holds it, committed or not.
///
/// That is the rule of the paper (Raft dissertation, section 4.1); so truncating such an entry brings the one before it
/// back.
struct ConfigurationHistory: Sendable {
    private var steps: [(index: LogIndex, configuration: Configuration)]

    init(base index: LogIndex, _ configuration: Configuration) {
        steps = [(index, configuration)]
    }

    var current: Configuration { steps[steps.count - 1].configuration }
    /// Where the current one stands in the log.
    var currentIndex: LogIndex { steps[steps.count - 1].index }

    /// The configuration in force at `index`.
    func at(_ index: LogIndex) -> Configuration {
        (steps.last { $0.index <= index } ?? steps[0]).configuration
    }

    mutating func append(_ configuration: Configuration, at index: LogIndex) {
        precondition(index > currentIndex, "configurations follow each other along the log")
        steps.append((index, configuration))
    }

    /// - Returns: whether the current configuration changed.
    mutating func truncate(from index: LogIndex) -> Bool {
        let count: Int = steps.count
        while steps.count > 1, currentIndex >= index { steps.removeLast() }
        return steps.count != count
    }

    mutating func compact(through index: LogIndex) {
        while steps.count > 1, steps[1].index <= index { steps.removeFirst() }
    }
}
