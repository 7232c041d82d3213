import Checkers
import Testing

/// Known histories, each with its verdict.
@Suite struct LinearizabilityTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let isLinearizable: Bool
        let operations: [ClientOperation]

        var testDescription: String { name }

        init(_ name: String, _ isLinearizable: Bool, _ operations: ClientOperation...) {
            self.name = name
            self.isLinearizable = isLinearizable
            self.operations = operations
        }
    }

    /// `op("a", 1, 4, .write("x"), .done(revision: nil))`: client a asks at 1 and hears at 4.
    static func op(
        _ client: String,
        _ from: Int64,
        _ to: Int64,
        _ request: ClientOperation.Request,
        _ outcome: ClientOperation.Outcome,
        key: String = "k"
    ) -> ClientOperation {
        ClientOperation(
            client: client,
            key: key,
            request: request,
            outcome: outcome,
            invoked: from,
            returned: to
        )
    }

    static let done = ClientOperation.Outcome.done(revision: nil)
    static func found(_ value: String) -> ClientOperation.Outcome { .found(value, revision: nil) }

    static let table: [Row] = [
        Row("nothing happened", true),
        Row("a read of nothing", true, op("a", 1, 2, .read, .absent)),
        Row("a value out of thin air", false, op("a", 1, 2, .read, found("x"))),
        Row(
            "a read after a write sees it",
            true,
            op("a", 1, 2, .write("x"), done),
            op("b", 3, 4, .read, found("x"))
        ),
        Row(
            "a read after a write sees nothing",
            false,
            op("a", 1, 2, .write("x"), done),
            op("b", 3, 4, .read, .absent)
        ),
        Row(
            "a read during a write sees it",
            true,
            op("a", 1, 9, .write("x"), done),
            op("b", 2, 3, .read, found("x"))
        ),
        Row(
            "a read during a write sees nothing",
            true,
            op("a", 1, 9, .write("x"), done),
            op("b", 2, 3, .read, .absent)
        ),
        Row(
            "the new value was seen, then the old one",
            false,
            op("a", 1, 2, .write("x"), done),
            op("a", 3, 20, .write("y"), done),
            op("b", 4, 6, .read, found("y")),
            op("c", 7, 9, .read, found("x"))
        ),
        Row(
            "reads at one time may see the old and the new value",
            true,
            op("a", 1, 2, .write("x"), done),
            op("a", 3, 20, .write("y"), done),
            op("b", 4, 9, .read, found("y")),
            op("c", 5, 8, .read, found("x"))
        ),
        Row(
            "a stale read",
            false,
            op("a", 1, 2, .write("x"), done),
            op("a", 3, 4, .write("y"), done),
            op("b", 5, 6, .read, found("x"))
        ),
        Row(
            "answered in the moment of the question: not ordered",
            true,
            op("a", 1, 5, .write("x"), done),
            op("b", 5, 6, .read, .absent)
        ),
        Row(
            "two clients see two writes in different orders",
            false,
            op("a", 1, 10, .write("x"), done),
            op("b", 1, 10, .write("y"), done),
            op("c", 11, 12, .read, found("x")),
            op("d", 13, 14, .read, found("y"))
        ),
        Row(
            "keys are judged one by one",
            true,
            op("a", 1, 2, .write("x"), done),
            op("b", 3, 4, .read, .absent, key: "other")
        ),
        // Unknown outcomes.
        Row(
            "a write without an answer happened",
            true,
            op("a", 1, 2, .write("x"), .unknown),
            op("b", 3, 4, .read, found("x"))
        ),
        Row(
            "a write without an answer never happened",
            true,
            op("a", 1, 2, .write("x"), .unknown),
            op("b", 3, 4, .read, .absent)
        ),
        Row(
            "a write without an answer happened much later",
            true,
            op("a", 1, 2, .write("x"), .unknown),
            op("b", 3, 4, .write("y"), done),
            op("b", 5, 6, .read, found("y")),
            op("b", 7, 8, .read, found("x"))
        ),
        Row(
            "a write without an answer happened twice",
            false,
            op("a", 1, 2, .write("x"), .unknown),
            op("b", 3, 4, .read, found("x")),
            op("b", 5, 6, .write("y"), done),
            op("b", 7, 8, .read, found("x"))
        ),
        Row(
            "a write without an answer was seen before it was asked for",
            false,
            op("b", 1, 2, .read, found("x")),
            op("a", 3, 4, .write("x"), .unknown)
        ),
        Row(
            "a write that failed was seen",
            false,
            op("a", 1, 2, .write("x"), .failed),
            op("b", 3, 4, .read, found("x"))
        ),
        Row(
            "a chain of changes without answers",
            true,
            op("a", 1, 2, .create("x"), .done(revision: 4)),
            op("b", 3, 4, .delete(revision: 4), .unknown),
            op("c", 5, 6, .create("y"), .unknown),
            op("d", 7, 8, .read, found("y"))
        ),
        Row(
            "a chain with a link missing",
            false,
            op("a", 1, 2, .create("x"), .done(revision: 4)),
            op("c", 5, 6, .create("y"), .unknown),
            op("d", 7, 8, .read, found("y"))
        ),
        // Revisions.
        Row(
            "a replacement of what is there",
            true,
            op("a", 1, 2, .create("x"), .done(revision: 4)),
            op("b", 3, 4, .replace("y", revision: 4), .done(revision: 5)),
            op("c", 5, 6, .read, .found("y", revision: 5))
        ),
        Row(
            "a replacement of what was there before",
            false,
            op("a", 1, 2, .create("x"), .done(revision: 4)),
            op("b", 3, 4, .write("y"), .done(revision: 5)),
            op("c", 5, 6, .replace("z", revision: 4), .done(revision: 6))
        ),
        Row(
            "two replacements of one revision",
            false,
            op("a", 1, 2, .create("x"), .done(revision: 4)),
            op("b", 3, 9, .replace("y", revision: 4), done),
            op("c", 3, 9, .replace("z", revision: 4), done)
        ),
        Row(
            "revisions go back",
            false,
            op("a", 1, 2, .write("x"), .done(revision: 9)),
            op("a", 3, 4, .write("y"), .done(revision: 8))
        ),
        Row(
            "one value has two revisions",
            false,
            op("a", 1, 2, .write("x"), done),
            op("b", 3, 4, .read, .found("x", revision: 7)),
            op("b", 5, 6, .read, .found("x", revision: 8))
        ),
        Row(
            "a refused replacement tells what is there",
            true,
            op("a", 1, 2, .create("x"), .done(revision: 4)),
            op("b", 3, 4, .replace("y", revision: 3), .refused(actual: 4))
        ),
        Row(
            "a replacement is refused though it fits",
            false,
            op("a", 1, 2, .create("x"), .done(revision: 4)),
            op("b", 3, 4, .replace("y", revision: 4), .refused(actual: nil))
        ),
        Row(
            "a refusal tells of a revision that is gone",
            false,
            op("a", 1, 2, .create("x"), .done(revision: 4)),
            op("a", 3, 4, .delete(revision: 4), .done(revision: 5)),
            op("b", 6, 7, .replace("y", revision: 3), .refused(actual: 4))
        ),
        Row(
            "what a refusal tells binds a change without an answer",
            false,
            op("a", 1, 2, .write("x"), .unknown),
            op("b", 3, 4, .replace("y", revision: 2), .refused(actual: 6)),
            op("b", 5, 6, .read, .found("x", revision: 7))
        ),
        // Creating and deleting.
        Row(
            "created twice",
            false,
            op("a", 1, 2, .create("x"), done),
            op("b", 3, 4, .create("y"), done)
        ),
        Row(
            "created, deleted, created",
            true,
            op("a", 1, 2, .create("x"), done),
            op("b", 3, 4, .delete(revision: nil), done),
            op("b", 5, 6, .create("y"), done),
            op("c", 7, 8, .read, found("y"))
        ),
        Row(
            "a creation is refused though nothing is there",
            false,
            op("a", 1, 2, .create("x"), .refused(actual: nil))
        ),
        Row(
            "a creation is refused because of one without an answer",
            true,
            op("a", 1, 2, .create("x"), .unknown),
            op("b", 3, 4, .create("y"), .refused(actual: nil)),
            op("b", 5, 6, .read, found("x"))
        ),
        Row(
            "what was deleted is seen again",
            false,
            op("a", 1, 2, .create("x"), done),
            op("a", 3, 4, .delete(revision: nil), done),
            op("b", 5, 6, .read, found("x"))
        ),
        Row("an answer that no such question has", false, op("a", 1, 2, .read, done)),
    ]

    @Test(arguments: table)
    func `a history is judged rightly`(_ row: Row) {
        let verdict: LinearizabilityVerdict = LinearizabilityChecker().check(row.operations)
        #expect(verdict.isLinearizable == row.isLinearizable, "\(verdict)")
        if case .undecided = verdict { Issue.record("undecided: \(verdict)") }
    }

    @Test func `a counterexample can be read`() {
        let verdict: LinearizabilityVerdict = LinearizabilityChecker().check([
            Self.op("a", 1, 2, .create("x"), .done(revision: 4)),
            Self.op("a", 3, 4, .replace("y", revision: 4), .done(revision: 5)),
            Self.op("c", 5, 8, .delete(revision: 4), .refused(actual: 5)),
            Self.op("b", 6, 7, .read, .found("x", revision: 4)),
        ])
        #expect(
            verdict.complaint == """
                key k: no order of its operations explains this answer:
                  6–7  b: read → found x at revision 4
                  before it the key can only have held:
                    y at revision 5
                  under way at the same time:
                    5–8  c: delete revision 4 → refused, revision 5 is there
                  the last answers before:
                    1–2  a: create x → done at revision 4
                    3–4  a: replace revision 4 by y → done at revision 5
                """
        )
    }

    @Test func `a search that is cut short is undecided, not right`() {
        var operations: [ClientOperation] = []
        for number in 0..<24 {
            operations.append(Self.op("a\(number)", 1, 100, .write("x\(number)"), Self.done))
        }
        operations.append(Self.op("b", 101, 102, .read, .absent))
        let verdict: LinearizabilityVerdict = LinearizabilityChecker(work: 2_000).check(operations)
        guard case .undecided = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(!verdict.isLinearizable)
        #expect(verdict.complaint != nil)
    }
}
