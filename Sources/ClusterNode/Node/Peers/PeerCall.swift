import Bytes
import RaftCore
import StoreFormat

/// What one node asks of another over the calls lane.
///
/// Shape: version, kind, and what the kind needs; docs/reference/formats.md.
enum PeerCall: Hashable, Sendable {
    /// Propose these bytes: an encoded transaction. Asked of the leader.
    case propose([UInt8])
    /// Stop working for the scope under this epoch, and answer when nothing of it is under way any more.
    case release(scope: UInt64, epoch: UInt64)
    /// Hand leadership to this member. Asked of the leader.
    case handOver(to: UInt64)
    /// Say what your state hashes to at this entry.
    case stateHash(at: UInt64)
    /// Your state is not that of the majority: stop, and keep your folder.
    case quarantine(Quarantine)
    /// Who calls is about to stop: nothing is to be moved to it for a while.
    case leaving
    /// How the node is: a document.
    case health
    /// Make this learner a voter now, if it is close enough. Asked of the leader.
    case promote(UInt64)
    /// Hand over the sealing key of this name: asked by members while the authority is being replaced.
    case sealingKey(String)

    static let version: UInt8 = 1

    var encoded: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 32)
        writer.u8(Self.version)
        switch self {
        case .propose(let bytes):
            writer.u8(1)
            writer.raw(bytes)
        case .release(let scope, let epoch):
            writer.u8(2)
            writer.u64(scope)
            writer.u64(epoch)
        case .handOver(let member):
            writer.u8(4)
            writer.u64(member)
        case .stateHash(let index):
            writer.u8(16)
            writer.u64(index)
        case .quarantine(let order):
            writer.u8(17)
            writer.u64(order.index)
            writer.byteString(order.hash)
            writer.count(order.agreeing.count)
            for member in order.agreeing { writer.u64(member.number) }
        case .leaving: writer.u8(5)
        case .health: writer.u8(6)
        case .sealingKey(let name):
            writer.u8(8)
            writer.string(name)
        case .promote(let member):
            writer.u8(7)
            writer.u64(member)
        }
        return writer.bytes
    }

    /// - Throws: ``DecodingFault`` for anything that ``encoded`` cannot have made.
    init(decoding bytes: [UInt8]) throws(DecodingFault) {
        var reader = ByteReader(bytes)
        try Self.check(&reader)
        switch try reader.u8() {
        case 1: self = .propose(Array(bytes[2...]))
        case 2:
            self = .release(scope: try reader.u64(), epoch: try reader.u64())
            try reader.end()
        case 4:
            self = .handOver(to: try reader.u64())
            try reader.end()
        case 16:
            self = .stateHash(at: try reader.u64())
            try reader.end()
        case 17:
            let index: UInt64 = try reader.u64()
            let hash = Array(try reader.byteString())
            var agreeing: [MemberID] = []
            for _ in 0..<(try reader.count(minimumBytes: 8)) {
                let number: UInt64 = try reader.u64()
                guard number != 0 else { throw .malformed(offset: 0, expected: "a member, which is not 0") }
                agreeing.append(MemberID(number))
            }
            self = .quarantine(Quarantine(index: index, hash: hash, agreeing: agreeing))
            try reader.end()
        case 5:
            self = .leaving
            try reader.end()
        case 6:
            self = .health
            try reader.end()
        case 7:
            self = .promote(try reader.u64())
            try reader.end()
        case 8:
            self = .sealingKey(try reader.string())
            try reader.end()
        case let tag: throw .unknown(what: "peer call", value: UInt64(tag))
        }
    }

    static func check(_ reader: inout ByteReader) throws(DecodingFault) {
        let version: UInt8 = try reader.u8()
        guard version == Self.version else { throw .unknown(what: "version of a peer call", value: UInt64(version)) }
    }
}

/// What a node answers to a ``PeerCall``.
enum PeerReply: Hashable, Sendable {
    /// The transaction was decided at this index; its outcome is the same on every node.
    case decided(index: UInt64, TransactionOutcome)
    /// Nothing was proposed; the leader is this member, as far as it is known.
    case notLeader(UInt64?)
    /// Nothing was proposed: too much is under way.
    case busy
    /// Another leader's entry took its place; it will never be applied.
    case superseded
    /// It may be applied or not.
    case unknown
    /// Done: the scope is given back, or leadership is on its way.
    case released
    /// The call was not understood.
    case unreadable
    /// What the state hashes to at the entry that was named.
    case stateHash([UInt8])
    /// It is not at that entry; this is where it is.
    case notThere(applied: UInt64)
    /// What was asked for: JSON.
    case document([UInt8])
    /// It is not done, and why.
    case refused(String)

    var encoded: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 64)
        writer.u8(PeerCall.version)
        switch self {
        case .decided(let index, let outcome):
            writer.u8(1)
            writer.u64(index)
            writer.raw(outcome.encoded())
        case .notLeader(let leader):
            writer.u8(2)
            writer.u64(leader ?? 0)
        case .busy: writer.u8(3)
        case .superseded: writer.u8(4)
        case .unknown: writer.u8(5)
        case .released: writer.u8(6)
        case .unreadable: writer.u8(8)
        case .stateHash(let hash):
            writer.u8(16)
            writer.byteString(hash)
        case .notThere(let applied):
            writer.u8(17)
            writer.u64(applied)
        case .document(let bytes):
            writer.u8(9)
            writer.byteString(bytes)
        case .refused(let reason):
            writer.u8(10)
            writer.string(reason)
        }
        return writer.bytes
    }

    /// - Throws: ``DecodingFault`` for anything that ``encoded`` cannot have made.
    init(decoding bytes: [UInt8]) throws(DecodingFault) {
        var reader = ByteReader(bytes)
        try PeerCall.check(&reader)
        switch try reader.u8() {
        case 1:
            let index: UInt64 = try reader.u64()
            self = .decided(index: index, try TransactionOutcome(decoding: Array(bytes[10...])))
            return
        case 2:
            let leader: UInt64 = try reader.u64()
            self = .notLeader(leader == 0 ? nil : leader)
        case 3: self = .busy
        case 4: self = .superseded
        case 5: self = .unknown
        case 6: self = .released
        case 8: self = .unreadable
        case 16: self = .stateHash(Array(try reader.byteString()))
        case 17: self = .notThere(applied: try reader.u64())
        case 9: self = .document(Array(try reader.byteString()))
        case 10: self = .refused(try reader.string())
        case let tag: throw .unknown(what: "peer reply", value: UInt64(tag))
        }
        try reader.end()
    }
}
