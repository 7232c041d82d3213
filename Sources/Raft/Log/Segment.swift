internal import Bytes

/// One file of the log: a head, then records, then zeros that were written ahead of use.
///
/// Shape of the head (24 bytes, little-endian): "DRVLOG1" and a zero · sequence 8 · salt 4 · CRC-32C of the 20 before 4.
struct SegmentHead: Equatable {
    static let bytes: Int = 24
    private static let magic: [UInt8] = Array("DRVLOG1".utf8) + [0]

    let sequence: UInt64
    let salt: UInt32

    init(sequence: UInt64, salt: UInt32) {
        self.sequence = sequence
        self.salt = salt
    }

    init(decoding bytes: [UInt8], path: String) throws(LogFault) {
        guard bytes.count >= Self.bytes, bytes.starts(with: Self.magic) else {
            if bytes.starts(with: Self.magic.prefix(6)) {
                throw .unknownFormat(file: path, found: String(decoding: bytes[6..<7], as: UTF8.self))
            }
            throw .damaged(file: path, offset: 0, reason: "this is not the head of a log segment")
        }
        var reader = ByteReader(bytes[8...])
        guard let sequence = try? reader.u64(), let salt = try? reader.u32(), let checksum = try? reader.u32(),
            checksum == CRC32C.checksum(bytes[..<20])
        else { throw .damaged(file: path, offset: 0, reason: "the checksum of the segment's head is wrong") }
        self.sequence = sequence
        self.salt = salt
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(reservingCapacity: Self.bytes)
        writer.raw(Self.magic)
        writer.u64(sequence)
        writer.u32(salt)
        writer.u32(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// The file's name: sorts as the segments follow each other.
    static func name(_ sequence: UInt64) -> String {
        let digits: String = String(sequence, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits + ".log"
    }
}

/// Zeros, really written: a file that only reserves its space pays for every flush again.
enum ZeroFilledFile {
    private static let chunk: [UInt8] = [UInt8](repeating: 0, count: 1 << 20)

    static func create(_ name: String, in directory: Directory, bytes: Int) throws(LogFault) -> File {
        try directory.make(name) { (file) throws(LogFault) in try fill(file, from: 0, to: bytes) }
    }

    static func fill(_ file: File, from start: Int, to end: Int) throws(LogFault) {
        var offset: Int = start
        while offset < end {
            let count: Int = min(chunk.count, end - offset)
            try file.write(count == chunk.count ? chunk : Array(chunk[..<count]), at: offset)
            offset += count
        }
    }
}
