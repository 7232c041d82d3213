import Testing

@testable import RaftCore

/// Which configuration counts where, beside a list that forgets nothing.
struct ConfigurationHistoryTests {
    private static func voters(_ count: Int) -> Configuration {
        Configuration(voters: (1...count).map { MemberID(UInt64($0)) })
    }

    @Test func `each counts from its own entry to the one before the next`() {
        var history = ConfigurationHistory(base: 4, Self.voters(1))
        history.append(Self.voters(2), at: 6)
        history.append(Self.voters(3), at: 9)
        let counts: [LogIndex: Int] = [3: 1, 4: 1, 5: 1, 6: 2, 8: 2, 9: 3, 100: 3]
        for (index, count) in counts { #expect(history.at(index) == Self.voters(count), "at \(index)") }
        #expect(history.current == Self.voters(3) && history.currentIndex == 9)
    }

    @Test(arguments: [
        // Truncated from, whether that changed anything, what counts then and from where.
        (LogIndex(10), false, 3, LogIndex(9)), (9, true, 2, 6), (7, true, 2, 6), (6, true, 1, 4), (5, true, 1, 4),
        (4, true, 1, 4),
    ])
    func `what is cut off counts no more`(from: LogIndex, changed: Bool, count: Int, since: LogIndex) {
        var history = ConfigurationHistory(base: 4, Self.voters(1))
        history.append(Self.voters(2), at: 6)
        history.append(Self.voters(3), at: 9)
        let isChanged: Bool = history.truncate(from: from)
        #expect(isChanged == changed)
        #expect(history.current == Self.voters(count) && history.currentIndex == since)
        let isChangedAgain: Bool = history.truncate(from: from)
        #expect(!isChangedAgain)
    }

    @Test(arguments: [
        // Compacted through, what still counts just there, and the oldest entry that still has one of its own.
        (LogIndex(4), 1), (5, 1), (6, 2), (8, 2), (9, 3), (50, 3),
    ])
    func `compaction keeps what counts at its end, and all that follows`(through: LogIndex, count: Int) {
        var history = ConfigurationHistory(base: 4, Self.voters(1))
        history.append(Self.voters(2), at: 6)
        history.append(Self.voters(3), at: 9)
        history.compact(through: through)
        #expect(history.at(through) == Self.voters(count))
        #expect(history.at(9) == Self.voters(3) && history.current == Self.voters(3))
        // Nothing before it is kept: whoever truncates as far back as that finds what counted at the end.
        let isChanged: Bool = history.truncate(from: 1)
        #expect(isChanged == (count < 3))
        #expect(history.current == Self.voters(count))
    }
}
