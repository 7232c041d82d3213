package import Bytes
package import RaftCore

/// What a snapshot is: where it stands in the log, who the members are there, and how its bytes are told from others.
///
/// Shape (version 1, little-endian): "DRVSNAP" and the version byte · cluster 8 · incarnation 8 · index 8 · term 8 · size 8 ·
/// SHA-256 of the file 32 · the configuration, as in the log, with its length · CRC-32C of all that 4. The same bytes
/// stand in a file beside a received snapshot and in the offer to a member.
package struct SnapshotAbout: Hashable, Sendable {
    package static let digestBytes: Int = 32
    private static let magic: [UInt8] = Array("DRVSNAP".utf8) + [1]

    package var group: GroupIdentity
    package var position: LogPosition
    package var configuration: Configuration
    package var size: UInt64
    /// SHA-256 of the whole file.
    package var digest: [UInt8]

    package init(
        group: GroupIdentity,
        position: LogPosition,
        configuration: Configuration,
        size: UInt64,
        digest: [UInt8]
    ) {
        precondition(digest.count == Self.digestBytes, "a SHA-256 has 32 bytes, not \(digest.count)")
        self.group = group
        self.position = position
        self.configuration = configuration
        self.size = size
        self.digest = digest
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.raw(Self.magic)
        for number in [group.cluster, group.incarnation, position.index, position.term, size] { writer.u64(number) }
        writer.raw(digest)
        writer.byteString(configuration.encoded)
        writer.u32(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(DecodingFault) {
        var reader = ByteReader(bytes)
        guard try reader.raw(7).elementsEqual(Self.magic.dropLast()) else {
            throw .malformed(offset: 0, expected: "the description of a snapshot")
        }
        let version: UInt8 = try reader.u8()
        guard version == Self.magic[7] else { throw .unknown(what: "snapshot version", value: UInt64(version)) }
        let group = GroupIdentity(cluster: try reader.u64(), incarnation: try reader.u64())
        let position = LogPosition(index: try reader.u64(), term: try reader.u64())
        let size: UInt64 = try reader.u64()
        let digest = Array(try reader.raw(Self.digestBytes))
        let offset: Int = reader.offset
        let configuration = Configuration(encoded: Array(try reader.byteString()))
        let covered: Int = reader.offset
        guard try reader.u32() == CRC32C.checksum(bytes[..<covered]) else {
            throw .malformed(offset: covered, expected: "the checksum of what is before it")
        }
        try reader.end()
        guard let configuration else { throw .malformed(offset: offset, expected: "a configuration") }
        guard position.index < 1 << 62, position.term < 1 << 62, size < 1 << 62 else {
            throw .malformed(offset: 24, expected: "numbers below 2^62")
        }
        self.init(group: group, position: position, configuration: configuration, size: size, digest: digest)
    }
}
