import StoreFormat
import Testing

@testable import Store

struct ModelTests {
    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `outcomes and state equal those of the naive model`(seed: UInt64) {
        let store = Store()
        var model = NaiveStore()
        var source = RandomTransactions(seed: seed)
        var kinds: [String: Int] = [:]
        for index in 1...UInt64(1_000) {
            let value: Transaction = source.next(index: index, model)
            let expected: TransactionOutcome = model.apply(index, value)
            let outcome: TransactionOutcome = store.apply(index: index, value)
            kinds[outcome.kind, default: 0] += 1
            var wrong: [String] = outcome == expected ? [] : ["outcome \(outcome), not \(expected)"]
            if index % 50 == 0 || !wrong.isEmpty { wrong += model.differences(from: store.view) }
            guard wrong.isEmpty else {
                Issue.record("seed \(seed), entry \(index): \(wrong)")
                return
            }
        }
        #expect(kinds["committed", default: 0] > 250, "\(kinds)")
        #expect(kinds.count >= 6, "too few kinds of outcome were met: \(kinds)")
    }

    @Test func `views stay as they are while apply goes on in another thread`() async {
        let store = Store()
        var model = NaiveStore()
        var source = RandomTransactions(seed: 9)
        let entries: [Transaction] = (1...UInt64(2_000)).map { index in
            let value: Transaction = source.next(index: index, model)
            _ = model.apply(index, value)
            return value
        }
        // What every revision must look like, from a run of its own.
        let other = Store()
        var sums: [Revision: Int] = [0: Self.sum(other.view)]
        for (offset, entry) in entries.enumerated() {
            _ = other.apply(index: Revision(offset + 1), entry)
            if offset % 20 == 0 { sums[Revision(offset + 1)] = Self.sum(other.view) }
        }
        let known: [Revision: Int] = sums
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var checked: Int = 0
                    var last: Revision = 0
                    while last < 2_000 {
                        let view: StoreView = store.view
                        if view.revision < last { return -1 }
                        last = view.revision
                        await Task.yield()  // the writer may need this very thread
                        guard let expected = known[view.revision] else { continue }
                        if Self.sum(view) != expected { return -1 }
                        checked += 1
                    }
                    return checked
                }
            }
            group.addTask {
                for (offset, entry) in entries.enumerated() {
                    _ = store.apply(index: Revision(offset + 1), entry)
                    if offset % 20 == 0 { await Task.yield() }
                }
                return 1
            }
            for await result in group { #expect(result >= 0, "a view changed or went back") }
        }
        #expect(Self.sum(store.view) == Self.sum(other.view))
    }

    private static func sum(_ view: StoreView) -> Int {
        var sum: Int = Int(view.nextNumber)
        view.records.forEach { key, stored in
            sum = sum &* 31 &+ Int(key.number) &+ Int(stored.record.revision) &* 7
            return true
        }
        view.terms.forEach { key, _ in
            sum = sum &* 31 &+ Int(key.number); return true
        }
        view.uniqueKeys.forEach { _, holder in
            sum = sum &* 31 &+ Int(holder.number); return true
        }
        return sum
    }
}

extension TransactionOutcome {
    var kind: String {
        switch self {
        case .committed: "committed"
        case .refused(.revisionChanged): "revision"
        case .refused(.present): "present"
        case .refused(.uniqueKeyTaken): "unique"
        case .refused(.epochChanged): "epoch"
        case .refused(.policyChanged): "policy"
        case .refused(.poolExhausted): "pool"
        case .refused(.sessionExpired): "session"
        case .refused(.invalid): "invalid"
        }
    }
}
