/// The bytes of a configuration, as they stand in the log.
///
/// Shape (version 1): for each of voters, outgoing, learners and removed: a count of 4 bytes, then 8 bytes an id, all
/// little-endian.
extension Configuration {
    package static let formatVersion: UInt8 = 1

    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        for list in [voters, outgoing, learners, removed] {
            Self.write(UInt64(list.count), width: 4, to: &bytes)
            for id in list { Self.write(id.number, width: 8, to: &bytes) }
        }
        return bytes
    }

    /// Nil when the bytes are not a configuration: wrong length, an id of 0, or no voter.
    package init?(encoded bytes: [UInt8]) {
        var lists: [[MemberID]] = []
        var rest: ArraySlice<UInt8> = bytes[...]
        for _ in 0..<4 {
            guard let count = Self.read(width: 4, from: &rest), count <= UInt64(rest.count / 8) else { return nil }
            var list: [MemberID] = []
            for _ in 0..<count {
                guard let number = Self.read(width: 8, from: &rest), number != 0 else { return nil }
                list.append(MemberID(number))
            }
            lists.append(list)
        }
        guard rest.isEmpty, !lists[0].isEmpty else { return nil }
        self.init(voters: lists[0], outgoing: lists[1], learners: lists[2], removed: lists[3])
    }

    private static func write(_ value: UInt64, width: Int, to bytes: inout [UInt8]) {
        for place in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
    }

    private static func read(width: Int, from bytes: inout ArraySlice<UInt8>) -> UInt64? {
        guard bytes.count >= width else { return nil }
        var value: UInt64 = 0
        for byte in bytes.prefix(width).reversed() { value = value << 8 | UInt64(byte) }
        bytes.removeFirst(width)
        return value
    }
}
