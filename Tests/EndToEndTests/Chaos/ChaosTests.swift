import Checkers
import EventLoop
import Glibc
import HTTP
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
    /// Real nodes under a load while they are killed, paused, cut off and given bad disks; judged by what clients heard.
    @Suite(.serialized) struct ChaosTests {
        @Test(.enabled("network namespaces are not permitted here", { await NetRig.mayRun() }))
        func `clients of a cluster under faults are told nothing that is not so`() async throws {
            try await withFolder { folder in
                let run = ChaosRun(
                    nodeCount: 3,
                    rounds: [
                        [.killLeader], [.pauseLeader], [.isolateLeader], [.oneWay], [.slowLeader], [.failing], [.full],
                        [.clockLeader], [.slowAny, .killLeader],
                    ],
                    seed: 1,
                    lasting: 1_000...1_800,
                    folder: folder
                )
                let verdict: ChaosRun.Verdict = try await run.run()
                print(verdict.summary)
                // Not a measure of speed: a run that did nothing shows nothing.
                try #require(verdict.passages.count == run.rounds.count)
                try #require(verdict.acknowledged > 100 && verdict.watched > 20, "\(verdict.summary)")
                if !verdict.complaints.isEmpty { await Self.keep(folder) }
                try #require(verdict.complaints.isEmpty, "\(verdict.complaints.joined(separator: "\n"))")
            }
        }

        /// What went wrong is looked at afterwards.
        private static func keep(_ folder: String) async {
            let kept: String = "/tmp/drover-chaos-\(getpid())"
            _ = try? Files.folder("drover-chaos-\(getpid())", in: "/tmp", [:])
            for name in Files.names(in: folder)
            where name.hasSuffix(".jsonl") || name.hasSuffix(".log") || name.hasSuffix(".verdict") {
                if let text: String = Files.read("\(folder)/\(name)") { try? Files.write(text, to: "\(kept)/\(name)") }
            }
            print("chaos: the history is kept in \(kept)")
        }

        @Test(arguments: [UInt64(0), 150])
        func `an old copy that is served as current is found in the history, and an honest way is not blamed`(
            milliseconds: UInt64
        ) async throws {
            try await DevRig.run(nodes: 1, hosts: 0) { rig in
                let proxy = try StaleProxy(before: try rig.endpoint, keepsFor: milliseconds)
                let history = try HistoryFile("\(rig.folder)/history.jsonl")
                let loop: EventLoop = try .start()
                let load = ChaosLoad(
                    [try rig.endpoint, proxy.endpoint],
                    key: try rig.key,
                    loop: loop,
                    history: history,
                    seed: 3
                )
                try await load.prepare()
                load.start()
                try await wait(for: "a history", seconds: 60) { history.operations.count > 1_500 }
                await load.stop()
                await proxy.stop()
                await loop.stop()
                // As it is read again from its file: what is kept can be judged later.
                let text: String = try #require(Files.read(history.path))
                let read = try History(lines: text)
                #expect(read.operations.count == history.operations.count)
                let complaints: [String] = read.complaints()
                #expect(complaints.isEmpty == (milliseconds == 0), "\(complaints.joined(separator: "\n"))")
            }
        }

        @Test func `what a subscriber is told is judged`() {
            func write(_ value: String, _ from: Int64, _ to: Int64, _ outcome: ClientOperation.Outcome)
                -> ClientOperation
            {
                ClientOperation(
                    client: "c",
                    key: "k",
                    request: .write(value),
                    outcome: outcome,
                    invoked: from,
                    returned: to
                )
            }
            func told(_ value: String, session: Int = 1) -> ChangeWatcher.Told {
                ChangeWatcher.Told(session: session, key: "k", value: value, at: 0)
            }
            let done = ClientOperation.Outcome.done(revision: nil)
            let written: [ClientOperation] = [
                write("a", 10, 20, done), write("b", 30, 40, done), write("c", 35, 50, done),
                write("d", 60, 60, .unknown),
            ]
            func complaints(_ values: [ChangeWatcher.Told], since: Int64? = nil) -> Int {
                ChangeWatcher.complaints(values, opened: since.map { (1, $0) }, written).count
            }
            #expect(complaints([told("a"), told("b"), told("c")], since: 0) == 0)
            // At the same time: either order. Told together: the first may be missing.
            #expect(complaints([told("c"), told("b")], since: 0) == 0)
            #expect(complaints([told("b")], since: 0) == 0)
            #expect(complaints([told("c"), told("d")], since: 0) == 0)
            // Back in time, unless it is another subscription.
            #expect(complaints([told("b"), told("a")]) == 1)
            #expect(complaints([told("b"), told("a", session: 2)]) == 0)
            #expect(complaints([told("x")]) == 1)
            // The last word is missing, unless it was written before.
            #expect(complaints([told("a")], since: 0) == 1)
            #expect(complaints([], since: 0) == 1)
            #expect(complaints([], since: 45) == 0)
        }
    }
}

/// `scripts/test --chaos`: as long as one likes.
@Suite(.serialized, .enabled(if: getenv("DROVER_CHAOS_MINUTES") != nil, "--chaos runs it")) struct LongChaosTests {
    private static func number(_ name: String, or other: UInt64) -> UInt64 {
        getenv(name).flatMap { UInt64(String(cString: $0)) } ?? other
    }

    @Test(.enabled("network namespaces are not permitted here", { await NetRig.mayRun() }))
    func `clients of clusters of three and five under all faults are told nothing that is not so`() async throws {
        let folder: String = getenv("DROVER_CHAOS_FOLDER").map { String(cString: $0) } ?? "/tmp"
        let end: ContinuousClock.Instant = .now + .seconds(60 * Int(Self.number("DROVER_CHAOS_MINUTES", or: 10)))
        var seed: UInt64 = Self.number("DROVER_CHAOS_SEED", or: 1)
        var all = ChaosRun.Verdict(
            passages: [],
            operations: 0,
            acknowledged: 0,
            unknown: 0,
            watched: 0,
            complaints: [],
            history: folder
        )
        repeat {
            var random = Seeded(seed &* 31)
            // Each kind once by itself, in another order with each seed; between them two at once.
            let alone: [ChaosFault.Kind] = ChaosFault.Kind.allCases.shuffled(using: &random)
            let other: [ChaosFault.Kind] = ChaosFault.Kind.allCases.shuffled(using: &random)
            let run = ChaosRun(
                nodeCount: seed.isMultiple(of: 2) ? 5 : 3,
                rounds: zip(alone, other).enumerated().flatMap { place, kinds in
                    place.isMultiple(of: 2) ? [[kinds.0]] : [[kinds.0], [kinds.1, kinds.0]]
                },
                seed: seed,
                lasting: 500...6_000,
                folder: folder
            )
            print("chaos: seed \(seed), \(run.nodeCount) nodes")
            let verdict: ChaosRun.Verdict = try await run.run()
            for complaint in verdict.complaints { print("chaos: seed \(seed): \(complaint)") }
            all.passages += verdict.passages
            all.operations += verdict.operations
            all.acknowledged += verdict.acknowledged
            all.unknown += verdict.unknown
            all.watched += verdict.watched
            all.complaints += verdict.complaints
            seed += 1
        } while ContinuousClock.now < end
        print(all.summary)
        print("chaos: histories and verdicts are in \(folder)")
        #expect(all.complaints.isEmpty, "histories are in \(folder)")
    }
}
