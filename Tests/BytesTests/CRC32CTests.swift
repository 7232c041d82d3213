import Testing

@testable import Bytes

struct CRC32CTests {
    struct Vector: Sendable {
        var bytes: [UInt8]
        var checksum: UInt32
    }

    // RFC 3720, appendix B.4, and the usual check value.
    static let vectors: [Vector] = [
        Vector(bytes: [], checksum: 0),
        Vector(bytes: Array("123456789".utf8), checksum: 0xE306_9283),
        Vector(bytes: [UInt8](repeating: 0, count: 32), checksum: 0x8A91_36AA),
        Vector(bytes: [UInt8](repeating: 0xFF, count: 32), checksum: 0x62A8_AB43),
        Vector(bytes: Array(0..<32), checksum: 0x46DD_794E),
        Vector(bytes: (0..<32).reversed(), checksum: 0x113F_DB5C),
    ]

    @Test(arguments: vectors)
    func `checksums are those of the standard`(_ vector: Vector) {
        #expect(CRC32C.checksum(vector.bytes) == vector.checksum)
        #expect(CRC32C.checksum(vector.bytes.lazy.map { $0 }) == vector.checksum)
    }

    @Test func `a checksum continued at any place is that of the whole`() {
        let bytes: [UInt8] = (0..<100).map { UInt8($0 * 7 & 0xFF) }
        let whole: UInt32 = CRC32C.checksum(bytes)
        for cut in 0...bytes.count {
            let head: UInt32 = CRC32C.checksum(bytes[..<cut])
            #expect(CRC32C.checksum(bytes[cut...], continuing: head) == whole)
        }
    }

    @Test func `every flipped bit changes the checksum`() {
        let bytes: [UInt8] = Array("a record of the log".utf8)
        let good: UInt32 = CRC32C.checksum(bytes)
        for bit in 0..<bytes.count * 8 {
            var damaged: [UInt8] = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(CRC32C.checksum(damaged) != good)
        }
    }
}
