import TestSupport
import Testing

@testable import Bytes

struct ByteReaderTests {
    private func failure(_ body: () throws(DecodingFault) -> Void) -> DecodingFault? {
        do throws(DecodingFault) {
            try body()
            return nil
        } catch { return error }
    }

    @Test func `the written form is fixed`() {
        var writer = ByteWriter()
        writer.u8(1)
        writer.u16(0x0203)
        writer.u32(0x0405_0607)
        writer.u64(0x0809_0A0B_0C0D_0E0F)
        writer.i64(-2)
        writer.varint(300)
        writer.bool(true)
        writer.string("é")
        writer.byteString([7, 8])
        writer.raw([9])
        let expected: String =
            "01" + "0302" + "07060504" + "0f0e0d0c0b0a0908" + "feffffffffffffff" + "ac02" + "01" + "02c3a9" + "020708"
            + "09"
        #expect(Hex.encode(writer.bytes) == expected)
    }

    @Test(arguments: 0..<20)
    func `what the writer wrote the reader reads back`(seed: UInt64) throws {
        var random = Seeded(seed)
        for _ in 0..<200 {
            let number: UInt64 = random.next() >> UInt64.random(in: 0..<64, using: &random)
            let text = String(
                String.UnicodeScalarView(
                    (0..<5).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0...0x1FFFF, using: &random)) }
                )
            )
            let bytes: [UInt8] = (0..<Int.random(in: 0..<300, using: &random)).map { UInt8(truncatingIfNeeded: $0) }
            var writer = ByteWriter()
            writer.u8(UInt8(truncatingIfNeeded: number))
            writer.u16(UInt16(truncatingIfNeeded: number))
            writer.u32(UInt32(truncatingIfNeeded: number))
            writer.u64(number)
            writer.i64(Int64(bitPattern: number))
            writer.varint(number)
            writer.bool(number % 2 == 0)
            writer.string(text)
            writer.byteString(bytes)
            // A slice whose indices do not begin at zero must read the same.
            var reader = ByteReader(([0xAA] + writer.bytes)[1...])
            try #require(try reader.u8() == UInt8(truncatingIfNeeded: number))
            try #require(try reader.u16() == UInt16(truncatingIfNeeded: number))
            try #require(try reader.u32() == UInt32(truncatingIfNeeded: number))
            try #require(try reader.u64() == number)
            try #require(try reader.i64() == Int64(bitPattern: number))
            try #require(try reader.varint() == number)
            try #require(try reader.bool() == (number % 2 == 0))
            try #require(try Array(reader.string().utf8) == Array(text.utf8))
            try #require(try Array(reader.byteString()) == bytes)
            try #require(reader.offset == writer.bytes.count && reader.remaining == 0)
            try reader.end()
        }
    }

    static let varints: [([UInt8], UInt64?)] = [
        ([0], 0), ([0x7F], 127), ([0x80, 0x01], 128),
        ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], .max),
        ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], nil),
        ([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], nil),
        ([0x80], nil), ([0x80, 0x00], nil), ([0xFF, 0x80, 0x00], nil), ([], nil),
    ]

    @Test(arguments: varints)
    func `a number has one spelling`(bytes: [UInt8], value: UInt64?) {
        var reader = ByteReader(bytes)
        #expect((try? reader.varint()) == value)
    }

    @Test func `faults name the offset`() {
        #expect(
            failure { () throws(DecodingFault) in
                var reader = ByteReader([1, 2, 3])
                _ = try reader.u8()
                _ = try reader.u32()
            } == .truncated(offset: 1, needed: 2)
        )
        #expect(
            failure { () throws(DecodingFault) in
                var reader = ByteReader([2])
                _ = try reader.bool()
            } == .malformed(offset: 0, expected: "0 or 1")
        )
        #expect(
            failure { () throws(DecodingFault) in
                var reader = ByteReader([9, 2, 0xC3, 0x28])
                _ = try reader.u8()
                _ = try reader.string()
            } == .malformed(offset: 1, expected: "UTF-8")
        )
        #expect(failure { () throws(DecodingFault) in try ByteReader([1]).end() } == .trailing(count: 1))
    }

    @Test func `a count cannot promise more than there is`() {
        var small = ByteReader([3, 0, 0])
        #expect(failure { () throws(DecodingFault) in _ = try small.count() } != nil)
        var wide = ByteReader([2, 0, 0, 0])
        #expect(failure { () throws(DecodingFault) in _ = try wide.count(minimumBytes: 2) } != nil)
        var huge = ByteReader([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01])
        #expect(failure { () throws(DecodingFault) in _ = try huge.byteString() } != nil)
    }

    @Test(arguments: 0..<20)
    func `no bytes crash the reader`(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<500 {
            let bytes: [UInt8] = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var reader = ByteReader(bytes)
            _ = failure { () throws(DecodingFault) in
                while reader.remaining > 0 {
                    switch random.next() % 8 {
                    case 0: _ = try reader.varint()
                    case 1: _ = try reader.string()
                    case 2: _ = try reader.byteString()
                    case 3: _ = try reader.bool()
                    case 4: _ = try reader.u64()
                    case 5: _ = try reader.count(minimumBytes: 3)
                    case 6: _ = try reader.raw(2)
                    default: _ = try reader.u16()
                    }
                }
            }
        }
    }
}
