internal import RaftCore

/// Which ways between members are cut at the moment.
///
/// Ways have a direction.
struct RaftNetwork {
    private struct Way: Hashable {
        let from: MemberID
        let to: MemberID
    }

    private var cuts: [Way: Int] = [:]

    func isOpen(_ from: MemberID, _ to: MemberID, at time: Int) -> Bool {
        (cuts[Way(from: from, to: to)] ?? 0) <= time
    }

    mutating func cut(_ from: MemberID, _ to: MemberID, until time: Int) {
        cuts[Way(from: from, to: to)] = time
    }

    mutating func heal() { cuts = [:] }

    /// Cuts something at random: one way, one member's sending or hearing, one member wholly, or the group in two.
    mutating func partition(_ members: [MemberID], until time: Int, random: inout SeededRandom) {
        let one: MemberID = members[random.below(members.count)]
        let other: MemberID = members[random.below(members.count)]
        switch random.below(5) {
        case 0: cut(one, other, until: time)
        case 1: for member in members { cut(one, member, until: time) }
        case 2: for member in members { cut(member, one, until: time) }
        case 3:
            for member in members {
                cut(one, member, until: time)
                cut(member, one, until: time)
            }
        default:
            let side: [Bool] = members.map { _ in random.chance(percent: 50) }
            for (left, from) in members.enumerated() {
                for (right, to) in members.enumerated() where side[left] != side[right] { cut(from, to, until: time) }
            }
        }
    }
}
