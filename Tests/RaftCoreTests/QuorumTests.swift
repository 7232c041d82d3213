import RaftCore
import Testing

struct QuorumTests {
    struct Row: Sendable {
        let incoming: [UInt64]
        var outgoing: [UInt64] = []
        /// What each member has; others have nothing.
        let reached: [UInt64: LogIndex]
        let committed: LogIndex
    }

    static let table: [Row] = [
        Row(incoming: [1], reached: [1: 5], committed: 5),
        Row(incoming: [1, 2], reached: [1: 5, 2: 3], committed: 3),
        Row(incoming: [1, 2, 3], reached: [1: 5, 2: 3], committed: 3),
        Row(incoming: [1, 2, 3], reached: [1: 5], committed: 0),
        Row(incoming: [1, 2, 3, 4], reached: [1: 9, 2: 8, 3: 7], committed: 7),
        Row(incoming: [1, 2, 3, 4, 5], reached: [1: 9, 2: 8, 3: 7], committed: 7),
        Row(incoming: [1, 4, 5], outgoing: [1, 2, 3], reached: [1: 9, 4: 9, 5: 9], committed: 0),
        Row(incoming: [1, 4, 5], outgoing: [1, 2, 3], reached: [1: 9, 4: 9, 2: 6], committed: 6),
        Row(incoming: [1], outgoing: [1, 2, 3], reached: [1: 9, 3: 4], committed: 4),
    ]

    @Test(arguments: table)
    func `an index is reached when a majority of each half has it`(_ row: Row) {
        let quorum = Quorum(incoming: row.incoming.map { MemberID($0) }, outgoing: row.outgoing.map { MemberID($0) })
        #expect(quorum.reached { row.reached[$0.number] ?? 0 } == row.committed)
        // The two questions are one.
        for index in LogIndex(1)...10 {
            #expect(quorum.agrees { row.reached[$0.number] ?? 0 >= index } == (index <= row.committed))
        }
    }

    @Test func `a configuration survives its bytes, and no bytes crash the reader`() {
        let configuration = Configuration(
            voters: [MemberID(3), MemberID(1), MemberID(3)],
            outgoing: [MemberID(9)],
            learners: [MemberID(4)],
            removed: [MemberID(7)]
        )
        #expect(Configuration(encoded: configuration.encoded) == configuration)
        #expect(configuration.voters == [MemberID(1), MemberID(3)])
        var random = SeededRandom(seed: 5)
        for _ in 0..<2_000 {
            var bytes: [UInt8] = configuration.encoded
            bytes[random.below(bytes.count)] = UInt8(random.below(256))
            bytes.removeLast(random.below(3))
            if let read = Configuration(encoded: bytes) { #expect(!read.voters.isEmpty) }
        }
    }
}
