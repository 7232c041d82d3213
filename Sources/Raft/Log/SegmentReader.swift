internal import Glibc
internal import RaftCore

/// Reads the records of one segment and decides what its end means.
struct SegmentReader {
    let path: String
    let bytes: [UInt8]
    let head: SegmentHead
    private(set) var offset: Int = SegmentHead.bytes

    init(path: String, bytes: [UInt8]) throws(LogFault) {
        self.path = path
        self.bytes = bytes
        head = try SegmentHead(decoding: bytes, path: path)
    }

    /// The next record that is whole and follows `checksum`, or nil at the end of what can be read.
    mutating func next(after checksum: UInt32?) -> LogRecord? {
        guard let record = LogRecord(in: bytes, at: offset, salt: head.salt) else { return nil }
        if let checksum, record.previous != checksum { return nil }
        offset += LogRecord.size(payload: record.payload.count)
        return record
    }

    /// Refuses when something that was flushed cannot be read: a later record says that the disk had this place.
    func checkEnd() throws(LogFault) {
        if let code: UInt8 = LogRecord.unknownKind(in: bytes, at: offset, salt: head.salt) {
            // Whole, and written by a later version: cutting it would lose what was acknowledged.
            throw .unknownFormat(file: path, found: "a record of kind \(code) at byte \(offset)")
        }
        var place: Int = offset + 8
        while let candidate = nextNonZero(from: place) {
            place = candidate + 8
            // A record begins at a multiple of 8; if its first 8 bytes are its length and checksum, this is it.
            guard let record = LogRecord(in: bytes, at: candidate, salt: head.salt) else { continue }
            guard record.flushed <= offset else {
                throw .damaged(
                    file: path,
                    offset: offset,
                    reason: "the record here cannot be read, but one at byte \(candidate) was written after it was safe"
                )
            }
            place = candidate + LogRecord.size(payload: record.payload.count)
        }
    }

    /// Whether anything but zeros follows the last record: the torn remains of a write that was never acknowledged.
    var isTorn: Bool { nextNonZero(from: offset) != nil }

    /// The first multiple of 8 at or after `start` where something is not zero.
    private func nextNonZero(from start: Int) -> Int? {
        // An empty segment is megabytes of zeros, which are compared block by block. The pointer lives only for the closure.
        bytes.withUnsafeBytes { buffer in
            guard let base: UnsafeRawPointer = buffer.baseAddress else { return nil }
            var place: Int = start
            while place + 8 <= buffer.count {
                let block: Int = min(Self.zeros.count, buffer.count - place)
                if memcmp(base + place, Self.zeros, block) == 0 {
                    place += block
                    continue
                }
                for _ in 0..<(block / 8) {
                    if buffer.loadUnaligned(fromByteOffset: place, as: UInt64.self) != 0 { return place }
                    place += 8
                }
                // What is left is less than eight bytes: too little for anything.
                if block % 8 != 0 { return nil }
            }
            return nil
        }
    }

    /// A multiple of eight.
    private static let zeros = [UInt8](repeating: 0, count: 4_096)
}
