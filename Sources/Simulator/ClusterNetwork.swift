internal import RaftCore

/// Which ways between the members of a simulated cluster are cut at the moment.
///
/// Ways have a direction. Members are places, from 0.
struct ClusterNetwork {
    static let widest: Int = 16
    /// Until when each way is cut.
    private var cuts: [Int] = Array(repeating: 0, count: widest * widest)

    func isOpen(_ from: Int, _ to: Int, at time: Int) -> Bool { cuts[from * Self.widest + to] <= time }

    mutating func cut(_ from: Int, _ to: Int, until time: Int) {
        cuts[from * Self.widest + to] = max(cuts[from * Self.widest + to], time)
    }

    mutating func cutLink(_ one: Int, _ other: Int, until time: Int) {
        cut(one, other, until: time)
        cut(other, one, until: time)
    }

    mutating func heal() { cuts = Array(repeating: 0, count: Self.widest * Self.widest) }

    /// Cuts something at random and says what.
    mutating func partition(_ members: [Int], at now: Int, for ticks: Int, random: inout SeededRandom) -> ClusterFault {
        let until: Int = now + ticks
        let one: Int = members[random.below(members.count)]
        let other: Int = members[random.below(members.count)]
        switch random.below(8) {
        case 0:
            cut(one, other, until: until)
            return .wayCut
        case 1:
            for member in members { cut(one, member, until: until) }
            return .memberMute
        case 2:
            for member in members { cut(member, one, until: until) }
            return .memberDeaf
        case 3:
            for member in members { cutLink(one, member, until: until) }
            return .memberIsolated
        case 4:
            cutLink(one, other, until: until)
            return .linkCut
        case 5:
            let side: [Bool] = members.map { _ in random.chance(percent: 50) }
            for (left, from) in members.enumerated() {
                for (right, to) in members.enumerated() where side[left] != side[right] {
                    cut(from, to, until: until)
                }
            }
            return .groupSplit
        case 6:
            keepChain(members.shuffled(using: &random), until: until)
            return .chain
        default:
            // Links stop one by one, and heal in another order.
            for (position, from) in members.enumerated() {
                for to in members[(position + 1)...] { cutLink(from, to, until: now + random.below(2 * ticks)) }
            }
            return .swizzle
        }
    }

    /// Only neighbours hear each other.
    mutating func keepChain(_ members: [Int], until time: Int) {
        for (position, from) in members.enumerated() {
            for (other, to) in members.enumerated() where abs(position - other) > 1 { cut(from, to, until: time) }
        }
    }
}
