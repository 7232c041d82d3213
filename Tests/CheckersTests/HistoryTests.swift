import Checkers
import RaftCore
import Testing

@Suite struct HistoryTests {
    static let history: History = {
        func operation(_ request: ClientOperation.Request, _ outcome: ClientOperation.Outcome) -> ClientOperation {
            ClientOperation(
                client: "c1",
                key: "1s5",
                request: request,
                outcome: outcome,
                invoked: 10,
                returned: outcome == .unknown ? .max : 20
            )
        }
        var history = History()
        history.operations = [
            operation(.create("a \"b\"\n"), .done(revision: 4)), operation(.read, .found("a", revision: nil)),
            operation(.read, .absent), operation(.write("b"), .unknown),
            operation(.replace("c", revision: 4), .refused(actual: 7)),
            operation(.delete(revision: nil), .done(revision: nil)),
            operation(.delete(revision: 9), .failed), operation(.replace("c", revision: 4), .refused(actual: nil)),
        ]
        history.watches = [
            WatchRecord(
                watcher: "w1",
                filter: .init(keys: ["k", "l"], labels: ["x"]),
                steps: [
                    .opened(from: 3),
                    .event(revision: 5, [.init(key: "k", kind: .changed, before: "1", after: "2")]),
                    .bookmark(revision: 6), .ended(resumeFrom: 7), .ended(resumeFrom: nil),
                    .listed(revision: 9, ["k": "2"]), .listed(revision: 10, nil),
                ]
            ),
            WatchRecord(watcher: "w2", steps: [.opened(from: 1)]),
        ]
        return history
    }()

    @Test func `a history survives being written and read`() throws {
        let read = try History(lines: Self.history.lines)
        #expect(read.operations == Self.history.operations)
        #expect(read.watches == Self.history.watches)
    }

    @Test func `the form of a line is fixed`() {
        let line: HistoryLine = .operation(Self.history.operations[4])
        #expect(
            line.text == """
                {"kind":"operation","client":"c1","key":"1s5","do":"replace","value":"c","if":4,"heard":"refused","actual":7,\
                "from":10,"to":20}
                """
        )
    }

    @Test func `a writer that died loses its last line alone`() throws {
        let text: String = Self.history.lines
        let cut = try History(lines: String(text.dropLast(5)))
        #expect(cut.operations == Self.history.operations)
        #expect(cut.watches.count == 1)
        #expect(throws: HistoryFault.self) { try History(lines: "{\"kind\":\"oper\n" + text) }
    }

    @Test(arguments: [
        "[]", "{}", "{\"kind\":\"other\"}",
        "{\"kind\":\"operation\",\"client\":\"c\",\"key\":\"k\",\"do\":\"read\",\"heard\":\"done\",\"from\":1,\"to\":2}",
        "{\"kind\":\"operation\",\"client\":\"c\",\"key\":\"k\",\"do\":\"replace\",\"value\":\"x\",\"heard\":\"unknown\",\"from\":1}",
        "{\"kind\":\"watch\",\"watcher\":\"w\",\"step\":\"event\",\"revision\":-4,\"changes\":[]}",
    ])
    func `a line that means nothing is refused by its number`(line: String) {
        #expect {
            try History(lines: "{\"kind\":\"note\",\"text\":\"x\"}\n" + line + "\n")
        } throws: {
            ($0 as? HistoryFault)?.line == 2
        }
    }

    @Test func `random bytes never crash the reader`() {
        var random = SeededRandom(seed: 5)
        let text: [UInt8] = Array(Self.history.lines.utf8)
        for _ in 0..<500 {
            var bytes: [UInt8] = text
            for _ in 0..<1 + random.below(4) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            _ = try? History(lines: String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test func `a history is judged whole`() {
        var history = History()
        #expect(history.complaints().isEmpty)
        history.operations = [
            ClientOperation(
                client: "c",
                key: "k",
                request: .read,
                outcome: .found("x", revision: 3),
                invoked: 1,
                returned: 2
            )
        ]
        history.watches = [WatchRecord(watcher: "w", steps: [.opened(from: 5), .bookmark(revision: 2)])]
        #expect(history.complaints().count == 2)
    }
}
