import Checkers
import RaftCore
import Testing

/// Histories made from a run in which everything happened at one moment: always accepted.
///
/// With one answer changed: rejected.
@Suite struct RandomHistoryTests {
    struct Made {
        var operations: [ClientOperation] = []
        /// What each key held after each change of it, in order.
        var values: [String: [(value: String?, revision: UInt64)]] = [:]
    }

    /// Clients ask, wait, and are answered by one register a key, at a moment in between.
    static func make(
        seed: UInt64,
        clients: Int,
        keys: Int,
        count: Int,
        unknownPercent: Int,
        tellsRevisions: Bool = true
    ) -> Made {
        struct Pending {
            var key: String
            var request: ClientOperation.Request
            var from: Int64
            var at: Int64
            var to: Int64
            var outcome: ClientOperation.Outcome?
            var isLost: Bool
        }
        var random = SeededRandom(seed: seed)
        var made = Made()
        var held: [String: (value: String, revision: UInt64)] = [:]
        var pending: [Pending?] = Array(repeating: nil, count: clients)
        var clock: Int64 = 0
        var revision: UInt64 = 0
        var names: Int = 0
        while made.operations.count < count {
            clock += 1
            for client in pending.indices {
                guard var current = pending[client] else {
                    guard random.chance(percent: 30) else { continue }
                    let key: String = "k\(random.below(keys))"
                    let known: UInt64 = held[key]?.revision ?? 1
                    let seen: UInt64 = random.chance(percent: 80) ? known : UInt64(1 + random.below(Int(known)))
                    names += 1
                    let request: ClientOperation.Request =
                        switch random.below(6) {
                        case 0: .write("v\(names)")
                        case 1: .create("v\(names)")
                        case 2: .replace("v\(names)", revision: seen)
                        case 3: .delete(revision: random.chance(percent: 50) ? nil : seen)
                        default: .read
                        }
                    let at: Int64 = clock + Int64(random.below(6))
                    pending[client] = Pending(
                        key: key,
                        request: request,
                        from: clock,
                        at: at,
                        to: at + Int64(random.below(6)),
                        isLost: random.chance(percent: unknownPercent)
                    )
                    continue
                }
                if current.at <= clock, current.outcome == nil {
                    revision += 1
                    let isRevisionTold: Bool = tellsRevisions || random.chance(percent: 30)
                    current.outcome = perform(
                        current.request,
                        on: current.key,
                        &held,
                        &made,
                        at: revision,
                        isRevisionTold
                    )
                }
                pending[client] = current
                guard let outcome = current.outcome, current.to <= clock else { continue }
                made.operations.append(
                    ClientOperation(
                        client: "c\(client)",
                        key: current.key,
                        request: current.request,
                        outcome: current.isLost ? .unknown : outcome,
                        invoked: current.from,
                        returned: clock
                    )
                )
                pending[client] = nil
            }
        }
        // What happened without being answered was still asked for.
        for (client, current) in pending.enumerated() {
            guard let current, current.outcome != nil else { continue }
            made.operations.append(
                ClientOperation(
                    client: "c\(client)",
                    key: current.key,
                    request: current.request,
                    outcome: .unknown,
                    invoked: current.from,
                    returned: 0
                )
            )
        }
        return made
    }

    private static func perform(
        _ request: ClientOperation.Request,
        on key: String,
        _ held: inout [String: (value: String, revision: UInt64)],
        _ made: inout Made,
        at revision: UInt64,
        _ isRevisionTold: Bool
    ) -> ClientOperation.Outcome {
        func set(_ value: String?) -> ClientOperation.Outcome {
            held[key] = value.map { ($0, revision) }
            made.values[key, default: []].append((value, revision))
            return .done(revision: isRevisionTold ? revision : nil)
        }
        let actual: UInt64 = held[key]?.revision ?? 0
        let told: UInt64? = isRevisionTold ? actual : nil
        switch request {
        case .read:
            guard let found = held[key] else { return .absent }
            return .found(found.value, revision: isRevisionTold ? found.revision : nil)
        case .write(let value): return set(value)
        case .create(let value): return actual == 0 ? set(value) : .refused(actual: told)
        case .replace(let value, let expected): return actual == expected ? set(value) : .refused(actual: told)
        case .delete(nil): return set(nil)
        case .delete(let expected?): return actual == expected ? set(nil) : .refused(actual: told)
        }
    }

    @Test(arguments: 0..<40)
    func `what happened one after the other is linearizable`(seed: UInt64) {
        let made: Made = Self.make(
            seed: seed,
            clients: 2 + Int(seed % 7),
            keys: 1 + Int(seed % 4),
            count: 300,
            unknownPercent: Int(seed % 3) * 8,
            tellsRevisions: seed % 2 == 0
        )
        let verdict: LinearizabilityVerdict = LinearizabilityChecker().check(made.operations)
        #expect(verdict.isLinearizable, "\(verdict.complaint ?? "")")
    }

    @Test(arguments: 0..<40)
    func `a read of what was overwritten before it began is found`(seed: UInt64) throws {
        var made: Made = Self.make(
            seed: seed,
            clients: 5,
            keys: 3,
            count: 300,
            unknownPercent: Int(seed % 3) * 5,
            tellsRevisions: seed % 2 == 0
        )
        var random = SeededRandom(seed: seed)
        // A read that saw something, and a value that was answered for and then overwritten, both before it began.
        let reads: [Int] = made.operations.indices.filter { made.operations[$0].request == .read }
        var changed: Bool = false
        for _ in 0..<200 where !changed {
            let place: Int = reads[random.below(reads.count)]
            let read: ClientOperation = made.operations[place]
            guard case .found = read.outcome else { continue }
            let writes: [ClientOperation] = made.operations.filter { operation in
                if case .write = operation.request, case .done = operation.outcome {
                    operation.key == read.key && operation.returned < read.invoked
                } else {
                    false
                }
            }
            guard let late = writes.max(by: { $0.invoked < $1.invoked }),
                let early = writes.first(where: { $0.returned < late.invoked }), case .write(let old) = early.request,
                case .done(let told) = early.outcome
            else { continue }
            made.operations[place].outcome = .found(old, revision: told)
            changed = true
        }
        try #require(changed)
        let verdict: LinearizabilityVerdict = LinearizabilityChecker().check(made.operations)
        guard case .violated = verdict else {
            Issue.record("\(verdict)")
            return
        }
    }

    @Test func `a hundred thousand operations on many keys are judged at once`() {
        let made: Made = Self.make(seed: 7, clients: 40, keys: 500, count: 100_000, unknownPercent: 2)
        let verdict: LinearizabilityVerdict = LinearizabilityChecker().check(made.operations)
        #expect(verdict.isLinearizable, "\(verdict.complaint ?? "")")
    }
}
