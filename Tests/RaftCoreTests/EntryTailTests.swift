import Testing

@testable import RaftCore

/// The log in memory, beside an array that does the same slowly.
struct EntryTailTests {
    private static func entry(_ index: LogIndex, _ term: Term, _ bytes: Int = 0) -> LogEntry {
        LogEntry(index: index, term: term, kind: .data, payload: [UInt8](repeating: 7, count: bytes))
    }

    private static func tail(after base: LogIndex, _ baseTerm: Term, terms: [Term]) -> EntryTail {
        EntryTail(
            base: LogPosition(index: base, term: baseTerm),
            entries: terms.enumerated().map { entry(base + 1 + LogIndex($0.offset), $0.element) }
        )
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `it is an array without a beginning`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var tail = EntryTail(base: .start)
        /// Everything that was ever in it, the start included; what is compacted away stands here still.
        var all: [LogPosition] = [.start]
        var base: Int = 0
        for _ in 0..<200 {
            switch random.below(8) {
            case 0 where all.count - 1 > base:
                let cut: Int = base + 1 + random.below(all.count - base + 1)
                tail.truncate(from: LogIndex(cut))
                all.removeLast(max(0, all.count - cut))
            case 1:
                let through: Int = random.below(all.count + 2)
                tail.compact(through: LogIndex(through))
                if through > base, through < all.count { base = through }
            case 2 where random.below(10) == 0:
                let position = LogPosition(index: LogIndex(all.count + 3), term: all.last.map(\.term) ?? 0)
                tail.reset(to: position)
                while all.count <= Int(position.index) { all.append(position) }
                base = Int(position.index)
            default:
                let term: Term = (all.last?.term ?? 0) + UInt64(random.below(2))
                tail.append(Self.entry(LogIndex(all.count), term))
                all.append(LogPosition(index: LogIndex(all.count), term: term))
            }
            #expect(tail.base == all[base])
            #expect(tail.firstIndex == LogIndex(base + 1))
            #expect(tail.lastIndex == LogIndex(all.count - 1))
            #expect(tail.last == all[all.count - 1])
            for index in 0..<(all.count + 2) {
                let known: Term? = index >= base && index < all.count ? all[index].term : nil
                #expect(tail.term(at: LogIndex(index)) == known)
            }
            let (from, through): (Int, Int) = (base + 1 + random.below(4), all.count - 1 - random.below(3))
            let slice: [LogPosition] = tail.slice(LogIndex(from), through: LogIndex(max(0, through))).map(\.position)
            #expect(slice == (from <= through ? Array(all[from...through]) : []))
        }
    }

    @Test(arguments: [
        // From the first entry, how many bytes, and what goes: each counts 10 bytes and its flat share of 32.
        (LogIndex(3), 1, [LogIndex(3)]), (3, 42, [3]), (3, 83, [3]), (3, 84, [3, 4]), (3, 85, [3, 4]),
        (3, 126, [3, 4, 5]), (3, 10_000, [3, 4, 5, 6]), (6, 0, [6]), (7, 10_000, []),
    ])
    func `a batch has as many entries as fit, and at least one`(first: LogIndex, bytes: Int, indexes: [LogIndex]) {
        let tail = EntryTail(
            base: LogPosition(index: 2, term: 1),
            entries: (3...6).map { Self.entry($0, 1, 10) }
        )
        #expect(tail.batch(from: first, bytes: bytes).map(\.index) == indexes)
    }

    @Test(arguments: [
        // The log after 4/2 has the terms 2, 2, 3, 5, 5 at 5 to 9.
        (LogIndex(9), Term(5), LogPosition(index: 9, term: 5)), (9, 4, LogPosition(index: 7, term: 3)),
        (9, 3, LogPosition(index: 7, term: 3)), (9, 2, LogPosition(index: 6, term: 2)),
        (9, 1, LogPosition(index: 4, term: 2)), (7, 5, LogPosition(index: 7, term: 3)),
        (20, 9, LogPosition(index: 9, term: 5)), (5, 2, LogPosition(index: 5, term: 2)),
        (4, 9, LogPosition(index: 4, term: 2)), (1, 9, LogPosition(index: 4, term: 2)),
    ])
    func `logs may still agree at the last entry of a term that is not newer`(
        index: LogIndex,
        term: Term,
        position: LogPosition
    ) {
        let tail: EntryTail = Self.tail(after: 4, 2, terms: [2, 2, 3, 5, 5])
        #expect(tail.possibleMatch(atMost: index, term: term) == position)
    }
}
