import RaftCore
import Testing

/// Three members in memory, where messages and disks take no time at all.
private struct Trio {
    static let group = GroupIdentity(cluster: 1, incarnation: 1)
    var cores: [RaftCore]
    var isDown: Set<Int> = []
    var elections: Int = 0
    /// Requests to be voted for, before the vote that counts, of each member.
    var asked: [Int: Int] = [:]

    init(seed: UInt64) {
        let voters: [MemberID] = (1...3).map { MemberID($0) }
        cores = voters.map { id in
            RaftCore(
                id: id,
                group: Self.group,
                ballot: Ballot(),
                log: EntryTail(base: .start),
                configuration: Configuration(voters: voters),
                applied: 0,
                random: SeededRandom(seed: seed &* 3 &+ id.number)
            )
        }
    }

    mutating func step(_ place: Int, _ input: RaftCore.Input) {
        var waiting: [(Int, RaftCore.Input)] = [(place, input)]
        while !waiting.isEmpty {
            let (place, input): (Int, RaftCore.Input) = waiting.removeFirst()
            guard !isDown.contains(place) else { continue }
            for effect in cores[place].step(input) {
                switch effect {
                case .send(let message):
                    if case .preVoteRequest = message.body { asked[place, default: 0] += 1 }
                    waiting.append((Int(message.to.number) - 1, .received(message)))
                case .persist(let ballot): waiting.append((place, .ballotDurable(ballot)))
                case .append(_, let write): waiting.append((place, .logDurable(write: write)))
                case .note(.becameCandidate): elections += 1
                default: break
                }
            }
        }
    }

    mutating func tick() {
        for place in cores.indices { step(place, .tick) }
    }

    var leader: Int? { cores.indices.first { !isDown.contains($0) && cores[$0].takesProposals } }

    /// Ticks until somebody leads.
    mutating func elect(within limit: Int) -> Int? {
        for ticks in 0..<limit {
            if leader != nil { return ticks }
            tick()
        }
        return nil
    }
}

struct GoneTests {
    @Test(arguments: UInt64(0)..<40)
    func `when the leader's process is gone another one leads within a few ticks`(seed: UInt64) throws {
        var trio = Trio(seed: seed)
        let first: Int? = trio.elect(within: 200)
        try #require(first != nil)
        let old: Int = try #require(trio.leader)
        for _ in 0..<10 { trio.tick() }
        trio.isDown.insert(old)
        for place in 0..<3 where place != old { trio.step(place, .peerGone(MemberID(UInt64(old) + 1))) }
        let found: Int? = trio.elect(within: 200)
        let ticks: Int = try #require(found)
        #expect(ticks <= 3 * RaftSettings().goneTicks)
    }

    @Test(arguments: UInt64(0)..<40)
    func `even when only one of the others has noticed yet`(seed: UInt64) throws {
        var trio = Trio(seed: seed)
        let first: Int? = trio.elect(within: 200)
        try #require(first != nil)
        let old: Int = try #require(trio.leader)
        for _ in 0..<10 { trio.tick() }
        trio.isDown.insert(old)
        let others: [Int] = (0..<3).filter { $0 != old }
        trio.step(others[0], .peerGone(MemberID(UInt64(old) + 1)))
        for _ in 0..<8 { trio.tick() }
        trio.step(others[1], .peerGone(MemberID(UInt64(old) + 1)))
        let found: Int? = trio.elect(within: 200)
        let ticks: Int = try #require(found)
        #expect(ticks <= 3 * RaftSettings().goneTicks)
    }

    @Test(arguments: UInt64(0)..<40)
    func `a pause of 300 ms of the leader causes no election`(seed: UInt64) throws {
        var trio = Trio(seed: seed)
        let first: Int? = trio.elect(within: 200)
        try #require(first != nil)
        let leader: Int = try #require(trio.leader)
        let before: Int = trio.elections
        for _ in 0..<20 {
            // Ticks of 25 ms; one more, because ticks of two members do not coincide.
            for _ in 0..<13 {
                for place in 0..<3 where place != leader { trio.step(place, .tick) }
            }
            // Long enough for it to be heard once.
            for _ in 0..<RaftSettings().heartbeatTicks { trio.tick() }
        }
        #expect(trio.elections == before)
        #expect(trio.leader == leader)
    }

    @Test(arguments: UInt64(0)..<20)
    func `a false report about a healthy leader ends in no election`(seed: UInt64) throws {
        var trio = Trio(seed: seed)
        let first: Int? = trio.elect(within: 200)
        try #require(first != nil)
        let leader: Int = try #require(trio.leader)
        let before: Int = trio.elections
        for _ in 0..<50 {
            trio.tick()
            let follower: Int = (leader + 1) % 3
            trio.step(follower, .peerGone(MemberID(UInt64(leader) + 1)))
        }
        // One follower alone finds no majority, and the other one heard from the leader.
        #expect(trio.elections == before)
        #expect(trio.leader == leader)
    }

    @Test(arguments: UInt64(0)..<10)
    func `who finds nobody in haste waits as long as anybody after a few attempts`(seed: UInt64) throws {
        var trio = Trio(seed: seed)
        let first: Int? = trio.elect(within: 200)
        try #require(first != nil)
        let old: Int = try #require(trio.leader)
        let lone: Int = (old + 1) % 3
        trio.isDown = Set(0..<3).subtracting([lone])
        trio.step(lone, .peerGone(MemberID(UInt64(old) + 1)))
        let settings = RaftSettings()
        // Each hasty attempt is followed by two short waits at most, and there are a few of them.
        var attempts: [Int] = []
        for tick in 1...600 {
            let (term, asked): (Term, Int?) = (trio.cores[lone].term, trio.asked[lone])
            trio.tick()
            if trio.asked[lone] != asked { attempts.append(tick) }
            #expect(trio.cores[lone].term == term, "alone it asks, and does not vote")
        }
        let waits: [Int] = zip(attempts.dropFirst(), attempts).map { $0 - $1 }
        let hasty: Int = waits.prefix { $0 <= 2 * settings.goneTicks }.count
        #expect(hasty == settings.goneCampaigns - 1, "\(attempts)")
        #expect(waits.prefix(hasty).allSatisfy { $0 > settings.goneTicks }, "there is time for an answer: \(attempts)")
        #expect(waits.dropFirst(hasty).allSatisfy { $0 >= settings.electionTicks }, "\(attempts)")
    }
}
