/// Judges what readers of watches saw: ordered, unique, reliable, atomic, resumable, bookmarks true, filters exact.
///
/// - ordered, unique: revisions only grow within a watch, and none comes twice;
/// - reliable: nothing that the filter sees is left out, neither within a watch nor where one goes on from another;
/// - atomic: everything that one revision did comes in one event;
/// - bookmark: it is true that everything up to it was delivered;
/// - a watch on a future revision delivers nothing before it.
package struct WatchChecker {
    private let truth: WatchTruth
    /// By filter, what watches of it have to show.
    private var expected: [WatchRecord.Filter: [WatchTruth.Seen]] = [:]

    /// - Returns: nil when every promise was kept; else the first that was not, with what led to it, for people.
    package static func firstViolation(in records: [WatchRecord], _ truth: WatchTruth) -> String? {
        var checker = WatchChecker(truth: truth)
        for record in records { checker.expect(record) }
        for record in records {
            if let violation = checker.check(record) { return violation }
        }
        return nil
    }

    private init(truth: WatchTruth) { self.truth = truth }

    private mutating func expect(_ record: WatchRecord) {
        let known: [WatchTruth.Seen] = expected[record.filter] ?? truth.seen(by: record.filter)
        expected[record.filter] = known
        guard !truth.isComplete else { return }
        // What one watch showed beyond what is known, others with the same filter must show, too.
        var revisions: Set<UInt64> = Set(known.map(\.revision))
        var more: [WatchTruth.Seen] = known
        for case .event(let revision, let changes) in record.steps where revisions.insert(revision).inserted {
            more.append((revision, changes.sorted { $0.key < $1.key }))
        }
        expected[record.filter] = more.sorted { $0.revision < $1.revision }
    }

    private func check(_ record: WatchRecord) -> String? {
        let expected: [WatchTruth.Seen] = expected[record.filter] ?? []
        /// Everything up to here was delivered.
        var position: UInt64 = 0
        /// The next of `expected` to be delivered.
        var next: Int = 0
        var last: UInt64?

        /// The first revision that should have been delivered before `revision` and was not.
        func leftOut(before revision: UInt64) -> UInt64? {
            next < expected.count && expected[next].revision < revision ? expected[next].revision : nil
        }
        func move(past revision: UInt64) {
            position = revision
            while next < expected.count, expected[next].revision <= revision { next += 1 }
        }

        for (number, step) in record.steps.enumerated() {
            var problem: String?
            switch step {
            case .opened(let from):
                if number == 0 || from <= position {
                    position = from == 0 ? 0 : from - 1
                    next = expected.firstIndex { $0.revision > position } ?? expected.count
                } else if let missing = leftOut(before: from) {
                    problem = "it goes on from \(from), but revision \(missing) was not delivered"
                } else {
                    move(past: from - 1)
                }
                last = nil
            case .ended(let resumeFrom):
                guard let resumeFrom, resumeFrom > 0 else { break }
                if let missing = leftOut(before: resumeFrom) {
                    problem = "it says to go on from \(resumeFrom), but revision \(missing) was not delivered"
                } else if resumeFrom > position {
                    move(past: resumeFrom - 1)
                }
            case .listed(let revision, let contents):
                if truth.isComplete, revision > truth.last {
                    problem = "revision \(revision) does not exist: the last is \(truth.last)"
                } else if truth.isComplete, let contents {
                    let right: [String: String] = truth.contents(at: revision, record.filter)
                    if contents != right {
                        problem = "the list is \(Self.text(contents)), but at \(revision) there was \(Self.text(right))"
                    }
                }
                position = revision
                next = expected.firstIndex { $0.revision > revision } ?? expected.count
                last = nil
            case .bookmark(let revision):
                if revision < position {
                    problem = "the bookmark goes back, from \(position)"
                } else if truth.isComplete, revision > truth.last {
                    problem = "revision \(revision) does not exist: the last is \(truth.last)"
                } else if let missing = leftOut(before: revision + 1) {
                    problem = "revision \(missing) was not delivered before the bookmark"
                }
                move(past: revision)
            case .event(let revision, let changes):
                if revision == last {
                    problem = "revision \(revision) is delivered twice, or in parts"
                } else if revision <= position {
                    problem = "it goes back: everything up to \(position) was delivered or not asked for"
                } else if let missing = leftOut(before: revision) {
                    problem = "revision \(missing) was left out"
                } else if next >= expected.count || expected[next].revision != revision {
                    problem = "revision \(revision) did nothing that the filter sees"
                } else {
                    problem = difference(changes, expected[next].changes)
                }
                last = revision
                move(past: revision)
            }
            if let problem { return Self.report(record, upTo: number, problem) }
        }
        return nil
    }

    private func difference(_ shown: [WatchedChange], _ right: [WatchedChange]) -> String? {
        let shown: [WatchedChange] = shown.sorted { $0.key < $1.key }
        let isEqual: Bool =
            truth.isComplete
            ? shown == right : shown.map { [$0.key, $0.after] } == right.map { [$0.key, $0.after] }
        return isEqual ? nil : "it should be \(right.map(\.description).joined(separator: ", "))"
    }

    private static func text(_ contents: [String: String]) -> String {
        "{" + contents.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "}"
    }

    private static func report(_ record: WatchRecord, upTo number: Int, _ problem: String) -> String {
        var lines: [String] = ["watcher \(record.watcher): \(problem)"]
        let first: Int = max(0, number - 8)
        if first > 0 { lines.append("  … \(first) steps") }
        for step in record.steps[first...number] { lines.append("  \(step)") }
        lines[lines.count - 1] += "   ← here"
        return lines.joined(separator: "\n")
    }
}
