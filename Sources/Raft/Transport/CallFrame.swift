package import Bytes
package import RaftCore

/// What travels on the lane of calls.
///
/// Shape (version 1): version · kind · number varint · what the kind needs. Requests and pings say who asks: cluster 8 ·
/// incarnation 8 · from, to as varints.
package enum CallFrame: Hashable, Sendable {
    package struct Asker: Hashable, Sendable {
        package var group: GroupIdentity
        package var from: MemberID
        package var to: MemberID

        package init(group: GroupIdentity, from: MemberID, to: MemberID) {
            self.group = group
            self.from = from
            self.to = to
        }
    }

    /// Why a request was not run.
    package enum Refusal: UInt8, Hashable, Sendable {
        case busy = 1
        case foreign = 2
        case stopped = 3
    }

    case request(number: UInt64, Asker, [UInt8])
    case response(number: UInt64, [UInt8])
    case refusal(number: UInt64, Refusal)
    /// Nobody waits for the answer any more.
    case cancel(number: UInt64)
    case ping(number: UInt64, Asker)
    case pong(number: UInt64)

    package static let version: UInt8 = 1

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        write(to: &writer)
        return writer.bytes
    }

    func write(to writer: inout ByteWriter) {
        writer.u8(Self.version)
        switch self {
        case .request(let number, let asker, let bytes):
            Self.begin(1, number, &writer)
            Self.write(asker, &writer)
            writer.byteString(bytes)
        case .response(let number, let bytes):
            Self.begin(2, number, &writer)
            writer.byteString(bytes)
        case .refusal(let number, let refusal):
            Self.begin(3, number, &writer)
            writer.u8(refusal.rawValue)
        case .cancel(let number): Self.begin(4, number, &writer)
        case .ping(let number, let asker):
            Self.begin(5, number, &writer)
            Self.write(asker, &writer)
        case .pong(let number): Self.begin(6, number, &writer)
        }
    }

    package init(decoding bytes: [UInt8]) throws(DecodingFault) {
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.u8()
        guard version == Self.version else { throw .unknown(what: "call version", value: UInt64(version)) }
        let kind: UInt8 = try reader.u8()
        let number: UInt64 = try reader.varint()
        switch kind {
        case 1: self = .request(number: number, try Self.asker(&reader), Array(try reader.byteString()))
        case 2: self = .response(number: number, Array(try reader.byteString()))
        case 3:
            let code: UInt8 = try reader.u8()
            guard let refusal = Refusal(rawValue: code) else { throw .unknown(what: "refusal", value: UInt64(code)) }
            self = .refusal(number: number, refusal)
        case 4: self = .cancel(number: number)
        case 5: self = .ping(number: number, try Self.asker(&reader))
        case 6: self = .pong(number: number)
        default: throw .unknown(what: "call kind", value: UInt64(kind))
        }
        try reader.end()
    }

    private static func begin(_ kind: UInt8, _ number: UInt64, _ writer: inout ByteWriter) {
        writer.u8(kind)
        writer.varint(number)
    }

    private static func write(_ asker: Asker, _ writer: inout ByteWriter) {
        writer.u64(asker.group.cluster)
        writer.u64(asker.group.incarnation)
        writer.varint(asker.from.number)
        writer.varint(asker.to.number)
    }

    private static func asker(_ reader: inout ByteReader) throws(DecodingFault) -> Asker {
        Asker(
            group: GroupIdentity(cluster: try reader.u64(), incarnation: try reader.u64()),
            from: try MessageCodec.member(&reader),
            to: try MessageCodec.member(&reader)
        )
    }
}
