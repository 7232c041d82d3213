/// The messages of etcd's API that the benchmark speaks (etcd's `rpc.proto`), in the wire format of protocol buffers.
package enum EtcdMessages {
    package static let put: String = "/etcdserverpb.KV/Put"
    package static let range: String = "/etcdserverpb.KV/Range"
    package static let watch: String = "/etcdserverpb.Watch/Watch"
    package static let status: String = "/etcdserverpb.Maintenance/Status"

    package static func putRequest(key: [UInt8], value: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        append(1, key, to: &bytes)
        append(2, value, to: &bytes)
        return bytes
    }

    /// One key, linearizable: that is etcd's default.
    package static func rangeRequest(key: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        append(1, key, to: &bytes)
        return bytes
    }

    package static func watchRequest(key: [UInt8]) -> [UInt8] {
        var create: [UInt8] = []
        append(1, key, to: &create)
        var bytes: [UInt8] = []
        append(1, create, to: &bytes)
        return bytes
    }

    /// The leader's member id, and that of the member that answers, in the answer to Status.
    package static func leader(inStatus message: ArraySlice<UInt8>) -> (leader: UInt64, own: UInt64)? {
        var leader: UInt64 = 0
        var own: UInt64 = 0
        var isWhole: Bool = forEachField(message) { number, value, bytes in
            if number == 4 { leader = value }
            if number == 1, let bytes {
                _ = forEachField(bytes) { number, value, _ in if number == 2 { own = value } }
            }
        }
        isWhole = isWhole && own != 0
        return isWhole ? (leader, own) : nil
    }

    /// How many pairs an answer to Range holds.
    package static func pairs(inRange message: ArraySlice<UInt8>) -> Int {
        var count: Int = 0
        _ = forEachField(message) { number, _, bytes in if number == 2, bytes != nil { count += 1 } }
        return count
    }

    /// Whether it says that the watch stands.
    package static func isCreated(_ message: ArraySlice<UInt8>) -> Bool {
        var isCreated: Bool = false
        _ = forEachField(message) { number, value, _ in if number == 3 { isCreated = value == 1 } }
        return isCreated
    }

    /// Calls `body` with each field: its number, its value or 0, its bytes if it has some.
    ///
    /// - Returns: false for bytes that are not such a message.
    package static func forEachField(
        _ message: ArraySlice<UInt8>,
        _ body: (_ number: UInt64, _ value: UInt64, _ bytes: ArraySlice<UInt8>?) -> Void
    ) -> Bool {
        var rest: ArraySlice<UInt8> = message
        while !rest.isEmpty {
            guard let tag: UInt64 = varint(&rest) else { return false }
            switch tag & 7 {
            case 0:
                guard let value: UInt64 = varint(&rest) else { return false }
                body(tag >> 3, value, nil)
            case 2:
                guard let length: UInt64 = varint(&rest), length <= UInt64(rest.count) else { return false }
                body(tag >> 3, 0, rest.prefix(Int(length)))
                rest = rest.dropFirst(Int(length))
            case 1, 5:
                let length: Int = tag & 7 == 1 ? 8 : 4
                guard rest.count >= length else { return false }
                rest = rest.dropFirst(length)
            default: return false
            }
        }
        return true
    }

    private static func append(_ field: UInt8, _ value: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(field << 3 | 2)
        var length: Int = value.count
        while length >= 0x80 {
            bytes.append(UInt8(length & 0x7F) | 0x80)
            length >>= 7
        }
        bytes.append(UInt8(length))
        bytes.append(contentsOf: value)
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte: UInt8 = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
