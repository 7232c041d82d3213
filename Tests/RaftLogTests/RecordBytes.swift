import Bytes

@testable import RaftLog

/// The bytes of records, to be looked at.
struct RecordBytes {
    private var writer = ByteWriter()

    mutating func write(_ record: LogRecord) -> UInt32 { record.write(to: &writer, salt: 9) }

    var hex: String { Hex.encode(writer.bytes) }

    static func littleEndian(_ number: UInt32) -> String {
        Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32(8 * $0)) })
    }
}
