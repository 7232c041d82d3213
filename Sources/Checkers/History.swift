internal import JSON

/// What clients and watchers of a cluster recorded, to be judged when the run is over, and judged again later.
///
/// Its form is JSON lines, so that a recorder that is killed leaves all but its last line: see ``HistoryLine``.
package struct History: Sendable {
    package var operations: [ClientOperation] = []
    package var watches: [WatchRecord] = []

    package init() {}

    /// Reads lines in any order, but those of one watcher in theirs.
    ///
    /// - Throws: ``HistoryFault`` naming the line. A last line without an end is left out: its writer died.
    package init(lines text: String) throws(HistoryFault) {
        var places: [String: Int] = [:]
        let lines: [Substring] = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() where !line.isEmpty {
            let isCut: Bool = number == lines.count - 1
            do {
                switch try HistoryLine(line) {
                case .operation(let operation): operations.append(operation)
                case .watch(let watcher, let filter, let step):
                    if let place: Int = places[watcher] {
                        watches[place].steps.append(step)
                    } else {
                        places[watcher] = watches.count
                        watches.append(WatchRecord(watcher: watcher, filter: filter, steps: [step]))
                    }
                case .note: break
                }
            } catch {
                if isCut { continue }
                throw HistoryFault(line: number + 1, reason: error.reason)
            }
        }
    }

    package var lines: String {
        var text: String = ""
        for operation in operations { text += HistoryLine.operation(operation).text + "\n" }
        for watch in watches {
            for step in watch.steps { text += HistoryLine.watch(watch.watcher, watch.filter, step).text + "\n" }
        }
        return text
    }

    /// Everything that is wrong with it, for people; empty when all promises were kept.
    ///
    /// - Parameter truth: what really happened; without it, what the operations say.
    package func complaints(
        _ truth: WatchTruth? = nil,
        work: Int = LinearizabilityChecker.defaultWork
    ) -> [String] {
        var complaints: [String] = []
        if let complaint = LinearizabilityChecker(work: work).check(operations).complaint {
            complaints.append(complaint)
        }
        if let violation = WatchChecker.firstViolation(in: watches, truth ?? WatchTruth(of: operations)) {
            complaints.append(violation)
        }
        return complaints
    }
}

/// A line of a history that cannot be read.
package struct HistoryFault: Error, Hashable, Sendable, CustomStringConvertible {
    package var line: Int
    package var reason: String

    package var description: String { "line \(line) of the history: \(reason)" }
}
