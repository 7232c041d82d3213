internal import Bytes
internal import RaftCore

/// One record of a segment, as it stands on the disk.
///
/// Shape (little-endian, 40 bytes, then the payload, then zeros up to a multiple of 8):
/// payload length 4 · checksum 4 · checksum of the record before 4 · kind 1 · version 1 · zero 2 · index 8 · term 8 ·
/// flushed 4 · zero 4. The checksum is CRC-32C over everything after it, begun with the segment's salt, so that a
/// payload cannot pass for a record. A head of zeros is the end.
///
/// `flushed`: everything in this file below that offset was on the disk before this record was written. It tells damage
/// from a torn tail: only what was never flushed may be missing.
struct LogRecord: Equatable {
    static let headBytes: Int = 40

    /// Kinds below 128 are those of ``LogEntry``.
    enum Kind: Equatable {
        case entry(LogEntry.Kind)
        /// First in a segment: the end of the log so far. Payload: the configuration in force.
        case opening
        /// Everything after (index, term) is void. Payload: the configuration in force there.
        case truncation
        /// Everything so far is void; the log goes on after (index, term). Payload: the configuration there.
        case reset
        /// Everything so far was flushed: written when the log is closed.
        case mark

        init?(code: UInt8) {
            switch code {
            case 0x80: self = .opening
            case 0x81: self = .truncation
            case 0x82: self = .reset
            case 0x83: self = .mark
            default:
                guard let kind = LogEntry.Kind(rawValue: code) else { return nil }
                self = .entry(kind)
            }
        }

        var code: UInt8 {
            switch self {
            case .entry(let kind): kind.rawValue
            case .opening: 0x80
            case .truncation: 0x81
            case .reset: 0x82
            case .mark: 0x83
            }
        }
    }

    var kind: Kind
    var version: UInt8
    var position: LogPosition
    var payload: [UInt8]
    var flushed: Int
    var previous: UInt32
    var checksum: UInt32 = 0

    /// Bytes on the disk of a record with a payload of that length.
    static func size(payload: Int) -> Int { (headBytes + payload + 7) & ~7 }

    /// Appends the record to `bytes`.
    /// - Returns: its checksum.
    func write(to writer: inout ByteWriter, salt: UInt32) -> UInt32 {
        let start: Int = writer.bytes.count
        writer.u32(UInt32(payload.count))
        writer.u32(0)
        writer.u32(previous)
        writer.u8(kind.code)
        writer.u8(version)
        writer.u16(0)
        writer.u64(position.index)
        writer.u64(position.term)
        writer.u32(UInt32(flushed))
        writer.u32(0)
        writer.raw(payload)
        let checksum: UInt32 = CRC32C.checksum(writer.bytes[(start + 8)...], continuing: salt)
        for place in 0..<4 {
            writer.bytes[start + 4 + place] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * place))
        }
        while (writer.bytes.count - start) % 8 != 0 { writer.u8(0) }
        return checksum
    }

    /// The kind of a record that is whole and has a right checksum, but a kind that this version does not know.
    static func unknownKind(in bytes: [UInt8], at offset: Int, salt: UInt32) -> UInt8? {
        guard offset + headBytes <= bytes.count, Kind(code: bytes[offset + 12]) == nil else { return nil }
        var reader = ByteReader(bytes[offset...])
        guard let length = try? reader.u32(), let checksum = try? reader.u32(),
            Int(length) <= bytes.count - offset - headBytes
        else { return nil }
        let covered: ArraySlice<UInt8> = bytes[(offset + 8)..<(offset + headBytes + Int(length))]
        return CRC32C.checksum(covered, continuing: salt) == checksum ? bytes[offset + 12] : nil
    }

    /// The record at `offset`, whole and with a right checksum, or nil.
    init?(in bytes: [UInt8], at offset: Int, salt: UInt32) {
        // Behind damage every eighth byte is tried: what cannot be a head is left at once.
        guard offset + Self.headBytes <= bytes.count, Kind(code: bytes[offset + 12]) != nil,
            bytes[offset + 14] == 0, bytes[offset + 15] == 0, bytes[offset + 36] == 0
        else { return nil }
        var reader = ByteReader(bytes[offset...])
        guard let length = try? reader.u32(), let checksum = try? reader.u32(), let previous = try? reader.u32(),
            let code = try? reader.u8(), let kind = Kind(code: code), let version = try? reader.u8(),
            let zero = try? reader.u16(), zero == 0, let index = try? reader.u64(), let term = try? reader.u64(),
            let flushed = try? reader.u32(), let reserved = try? reader.u32(), reserved == 0,
            Int(length) <= reader.remaining, let payload = try? reader.raw(Int(length))
        else { return nil }
        let covered: ArraySlice<UInt8> = bytes[(offset + 8)..<(offset + Self.headBytes + Int(length))]
        guard CRC32C.checksum(covered, continuing: salt) == checksum else { return nil }
        self.kind = kind
        self.version = version
        self.position = LogPosition(index: index, term: term)
        self.payload = Array(payload)
        self.flushed = Int(flushed)
        self.previous = previous
        self.checksum = checksum
    }

    init(_ kind: Kind, version: UInt8, position: LogPosition, payload: [UInt8], flushed: Int, previous: UInt32) {
        self.kind = kind
        self.version = version
        self.position = position
        self.payload = payload
        self.flushed = flushed
        self.previous = previous
    }
}
