/// The Castagnoli checksum of 32 bits: finds what a disk or a wire damaged, not what a person forged.
///
/// Shape: reflected polynomial 0x82F63B78, initial value and final complement as in iSCSI.
/// Cost: eight bytes a step by eight tables ("slicing by 8").
/// Source: RFC 3720, appendix B.4.
package enum CRC32C {
    /// The checksum of `bytes`; `checksum(b, continuing: checksum(a))` is that of `a + b`.
    @inlinable
    package static func checksum(_ bytes: some Collection<UInt8>, continuing previous: UInt32 = 0) -> UInt32 {
        let whole: UInt32? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0), previous) }
        if let whole { return whole }
        return Array(bytes).withUnsafeBytes { update($0, previous) }
    }

    /// `tables[k * 256 + b]`: what the byte `b` contributes when `k` zero bytes follow it.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let shorter: UInt32 = tables[index - 256]
            tables[index] = shorter >> 8 ^ tables[Int(shorter & 0xFF)]
        }
        return tables
    }()

    // Raw pointers because this runs over every byte of the log; both buffers live only for the call, every
    // table index is below 8 * 256 by its mask, and `offset + 8 <= bytes.count` guards each load.
    @usableFromInline
    static func update(_ bytes: UnsafeRawBufferPointer, _ previous: UInt32) -> UInt32 {
        tables.withUnsafeBufferPointer { table in
            var checksum: UInt32 = ~previous
            var offset: Int = 0
            while offset + 8 <= bytes.count {
                let word: UInt64 = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let low: UInt32 = UInt32(truncatingIfNeeded: word) ^ checksum
                let high: UInt32 = UInt32(truncatingIfNeeded: word >> 32)
                var next: UInt32 = table[7 * 256 + Int(low & 0xFF)] ^ table[6 * 256 + Int(low >> 8 & 0xFF)]
                next ^= table[5 * 256 + Int(low >> 16 & 0xFF)] ^ table[4 * 256 + Int(low >> 24)]
                next ^= table[3 * 256 + Int(high & 0xFF)] ^ table[2 * 256 + Int(high >> 8 & 0xFF)]
                next ^= table[256 + Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
                checksum = next
                offset += 8
            }
            while offset < bytes.count {
                checksum = checksum >> 8 ^ table[Int((checksum ^ UInt32(bytes[offset])) & 0xFF)]
                offset += 1
            }
            return ~checksum
        }
    }
}
