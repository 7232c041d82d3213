package import Bytes
package import RaftCore
package import RaftLog

/// What travels on the lane of snapshots: the sender asks, the receiver answers each frame.
///
/// Shape (version 1): version · kind · what the kind needs.
package enum SnapshotFrame: Hashable, Sendable {
    /// This snapshot is to come; from, to as varints and ``SnapshotAbout`` with its length.
    case offer(SnapshotAbout, from: MemberID, to: MemberID)
    case chunk(offset: UInt64, [UInt8])
    /// All was sent.
    case end
    /// Go on at this offset.
    case proceed(offset: UInt64)
    case installed
    case refused(String)

    package static let version: UInt8 = 1

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.u8(Self.version)
        switch self {
        case .offer(let about, let from, let to):
            writer.u8(1)
            writer.varint(from.number)
            writer.varint(to.number)
            writer.byteString(about.encoded)
        case .chunk(let offset, let bytes):
            writer.u8(2)
            writer.varint(offset)
            writer.byteString(bytes)
        case .end: writer.u8(3)
        case .proceed(let offset):
            writer.u8(4)
            writer.varint(offset)
        case .installed: writer.u8(5)
        case .refused(let reason):
            writer.u8(6)
            writer.string(reason)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(DecodingFault) {
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.u8()
        guard version == Self.version else { throw .unknown(what: "snapshot frame version", value: UInt64(version)) }
        let kind: UInt8 = try reader.u8()
        switch kind {
        case 1:
            let from: MemberID = try MessageCodec.member(&reader)
            let to: MemberID = try MessageCodec.member(&reader)
            self = .offer(try SnapshotAbout(decoding: Array(try reader.byteString())), from: from, to: to)
        case 2: self = .chunk(offset: try MessageCodec.number(&reader), Array(try reader.byteString()))
        case 3: self = .end
        case 4: self = .proceed(offset: try MessageCodec.number(&reader))
        case 5: self = .installed
        case 6: self = .refused(try reader.string())
        default: throw .unknown(what: "snapshot frame kind", value: UInt64(kind))
        }
        try reader.end()
    }
}
