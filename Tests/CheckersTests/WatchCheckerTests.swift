import Checkers
import Testing

/// Each promise of a watch, kept and broken.
@Suite struct WatchCheckerTests {
    static let truth: WatchTruth = {
        func state(_ value: String, _ labels: String...) -> WatchTruth.State {
            WatchTruth.State(value, labels: Set(labels))
        }
        var truth = WatchTruth()
        truth.append(1, [.init(key: "a", before: nil, after: state("1", "web"))])
        truth.append(2, [])
        truth.append(
            3,
            [
                .init(key: "b", before: nil, after: state("1", "db")),
                .init(key: "a", before: state("1", "web"), after: state("2", "db")),
            ]
        )
        truth.append(5, [.init(key: "a", before: state("2", "db"), after: nil)])
        truth.append(6, [.init(key: "b", before: state("1", "db"), after: state("2", "db"))])
        truth.append(9, [])
        return truth
    }()

    static let one: WatchRecord.Step = .event(revision: 1, [.init(key: "a", kind: .entered, after: "1")])
    static let three: WatchRecord.Step = .event(
        revision: 3,
        [.init(key: "a", kind: .changed, before: "1", after: "2"), .init(key: "b", kind: .entered, after: "1")]
    )
    static let five: WatchRecord.Step = .event(revision: 5, [.init(key: "a", kind: .left, before: "2")])
    static let six: WatchRecord.Step = .event(
        revision: 6,
        [.init(key: "b", kind: .changed, before: "1", after: "2")]
    )

    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        /// What the complaint says; nil when all is well.
        let sign: String?
        let filter: WatchRecord.Filter
        let steps: [WatchRecord.Step]

        var testDescription: String { name }

        init(
            _ name: String,
            _ sign: String?,
            filter: WatchRecord.Filter = WatchRecord.Filter(),
            _ steps: WatchRecord.Step...
        ) {
            self.name = name
            self.sign = sign
            self.filter = filter
            self.steps = steps
        }
    }

    static let web = WatchRecord.Filter(labels: ["web"])
    static let webEntered: WatchRecord.Step = .event(revision: 1, [.init(key: "a", kind: .entered, after: "1")])
    static let webLeft: WatchRecord.Step = .event(revision: 3, [.init(key: "a", kind: .left, before: "1", after: "2")])

    static let table: [Row] = [
        Row("everything, in order", nil, .opened(from: 1), one, three, five, six, .bookmark(revision: 9)),
        Row("from the middle", nil, .opened(from: 4), five, six),
        Row("from the future", nil, .opened(from: 20)),
        Row("nothing yet", nil, .opened(from: 1)),
        Row("out of order", "it goes back", .opened(from: 1), one, three, one),
        Row("twice", "delivered twice", .opened(from: 1), one, one),
        Row("left out", "revision 3 was left out", .opened(from: 1), one, five),
        Row(
            "in two parts",
            "it should be",
            .opened(from: 1),
            one,
            .event(revision: 3, [.init(key: "a", kind: .changed, before: "1", after: "2")]),
            .event(revision: 3, [.init(key: "b", kind: .entered, after: "1")])
        ),
        Row("before what was asked for", "it goes back", .opened(from: 4), three),
        Row("a future watch delivers the past", "it goes back", .opened(from: 20), six),
        Row(
            "what never happened",
            "nothing that the filter sees",
            .opened(from: 6),
            six,
            .event(revision: 7, [.init(key: "a", kind: .entered, after: "9")])
        ),
        Row(
            "another value",
            "it should be",
            .opened(from: 5),
            .event(revision: 5, [.init(key: "a", kind: .left, before: "1")])
        ),
        Row(
            "another kind",
            "it should be",
            .opened(from: 1),
            .event(revision: 1, [.init(key: "a", kind: .changed, after: "1")])
        ),
        Row("a bookmark too early", "not delivered before the bookmark", .opened(from: 1), one, .bookmark(revision: 3)),
        Row(
            "a bookmark goes back",
            "goes back",
            .opened(from: 1),
            one,
            three,
            .bookmark(revision: 3),
            .bookmark(revision: 2)
        ),
        Row("an event below a bookmark", "it goes back", .opened(from: 6), six, .bookmark(revision: 8), five),
        Row("a bookmark of the future", "does not exist", .opened(from: 7), .bookmark(revision: 10)),
        Row("goes on elsewhere", nil, .opened(from: 1), one, .ended(resumeFrom: nil), .opened(from: 2), three),
        Row("goes on after a bookmark", nil, .opened(from: 1), one, .bookmark(revision: 2), .opened(from: 3), three),
        Row("goes on too late", "it goes on from 4", .opened(from: 1), one, .opened(from: 4), five),
        Row(
            "is told to go on too late",
            "it says to go on from 5",
            .opened(from: 1),
            one,
            .ended(resumeFrom: 5),
            .opened(from: 5)
        ),
        Row("asks again for what it had", nil, .opened(from: 1), one, three, .opened(from: 3), three, five),
        Row("is told where to go on", nil, .opened(from: 1), one, .ended(resumeFrom: 3), .opened(from: 3), three),
        Row(
            "lists and goes on",
            nil,
            .opened(from: 1),
            one,
            .listed(revision: 5, ["b": "1"]),
            .opened(from: 6),
            six
        ),
        Row("a list of what was before", "the list is", .listed(revision: 5, ["a": "2", "b": "1"])),
        Row("left out after a list", "revision 6 was not", .listed(revision: 5, nil), .opened(from: 7)),
        Row("a filter by label", nil, filter: web, .opened(from: 1), webEntered, webLeft, .bookmark(revision: 9)),
        Row("a filter shows too much", "nothing that the filter sees", filter: web, .opened(from: 4), five),
        Row(
            "a filter shows too little",
            "revision 3 was",
            filter: web,
            .opened(from: 1),
            webEntered,
            .bookmark(revision: 6)
        ),
        Row(
            "a filter by key",
            nil,
            filter: WatchRecord.Filter(keys: ["b"]),
            .opened(from: 1),
            .event(revision: 3, [.init(key: "b", kind: .entered, after: "1")]),
            six
        ),
    ]

    @Test(arguments: table)
    func `what a watch showed is judged rightly`(_ row: Row) {
        let record = WatchRecord(watcher: "w", filter: row.filter, steps: row.steps)
        let violation: String? = WatchChecker.firstViolation(in: [record], Self.truth)
        if let sign = row.sign {
            #expect(violation?.contains(sign) == true, "\(violation ?? "nothing was found")")
        } else {
            #expect(violation == nil, "\(violation ?? "")")
        }
    }

    @Test func `a complaint shows the last steps`() {
        let record = WatchRecord(watcher: "w7", steps: [.opened(from: 1), Self.one, Self.five])
        #expect(
            WatchChecker.firstViolation(in: [record], Self.truth) == """
                watcher w7: revision 3 was left out
                  watches from 1
                  event 1: a entered (– → 1)
                  event 5: a left (2 → –)   ← here
                """
        )
    }

    @Test func `without the whole truth watches must show what was acknowledged, and agree`() {
        let operation = ClientOperation(
            client: "c",
            key: "a",
            request: .write("1"),
            outcome: .done(revision: 4),
            invoked: 1,
            returned: 2
        )
        let truth = WatchTruth(of: [operation])
        let four: WatchRecord.Step = .event(revision: 4, [.init(key: "a", kind: .entered, after: "1")])
        let seven: WatchRecord.Step = .event(revision: 7, [.init(key: "b", kind: .entered, after: "x")])
        let eight: WatchRecord.Step = .event(revision: 8, [.init(key: "c", kind: .entered, after: "x")])
        func complaint(_ left: [WatchRecord.Step], _ right: [WatchRecord.Step]) -> String? {
            WatchChecker.firstViolation(
                in: [
                    WatchRecord(watcher: "l", steps: [.opened(from: 1)] + left),
                    WatchRecord(watcher: "r", steps: [.opened(from: 1)] + right),
                ],
                truth
            )
        }
        #expect(complaint([four, seven, eight], [four, seven, eight]) == nil)
        #expect(complaint([four, seven, eight], [four]) == nil)
        #expect(complaint([four, seven, eight], [four, eight])?.contains("revision 7 was left out") == true)
        #expect(complaint([seven], [four, seven])?.contains("revision 4 was left out") == true)
    }
}
