import RaftCore

/// What follows from the hashes of the members' states at one entry.
enum StateVerdict: Hashable, Sendable {
    /// A majority of the voters, and everybody else who answered, hold the same.
    case equal
    /// A majority holds the same; these do not.
    case odd([MemberID], agreeing: [MemberID], hash: [UInt8])
    /// Members differ, and no majority holds the same: nobody can say who is right.
    case divided([MemberID])
    /// Too few answered to say anything.
    case tooFew

    static func judge(_ hashes: [MemberID: [UInt8]], _ configuration: Configuration) -> StateVerdict {
        let members: [MemberID] = hashes.keys.sorted()
        for candidate in members {
            guard let hash: [UInt8] = hashes[candidate], configuration.quorum.agrees({ hashes[$0] == hash }) else {
                continue
            }
            let odd: [MemberID] = members.filter { hashes[$0] != hash }
            return odd.isEmpty ? .equal : .odd(odd, agreeing: members.filter { hashes[$0] == hash }, hash: hash)
        }
        return Set(hashes.values).count > 1 ? .divided(members) : .tooFew
    }
}

/// A member is told that it is the odd one: what it needs to see that for itself.
struct Quarantine: Hashable, Sendable {
    /// The entry at which the states were compared.
    var index: UInt64
    /// What the majority holds, and who that is.
    var hash: [UInt8]
    var agreeing: [MemberID]

    /// Whether a member whose own state hashed to `own` there must believe it.
    func holds(against own: [UInt8]?, of member: MemberID, _ configuration: Configuration) -> Bool {
        guard let own, own != hash, !agreeing.contains(member) else { return false }
        return configuration.quorum.agrees { agreeing.contains($0) }
    }
}
