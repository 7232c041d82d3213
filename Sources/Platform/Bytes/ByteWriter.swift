/// Appends numbers, strings and byte strings to one growing array.
///
/// Shape: fixed-width integers are little-endian; `varint` is LEB128 (7 bits a byte, low group
/// first); a byte string or text is its length as a varint, then its bytes.
///
/// Cost: what takes any collection is inlinable, or each byte would be fetched through a witness table in other modules.
package struct ByteWriter: Sendable {
    /// What was written so far.
    package var bytes: [UInt8]

    package init(reservingCapacity capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    package mutating func u8(_ value: UInt8) {
        bytes.append(value)
    }

    package mutating func u16(_ value: UInt16) {
        fixed(value)
    }

    package mutating func u32(_ value: UInt32) {
        fixed(value)
    }

    package mutating func u64(_ value: UInt64) {
        fixed(value)
    }

    package mutating func i64(_ value: Int64) {
        fixed(UInt64(bitPattern: value))
    }

    package mutating func varint(_ value: UInt64) {
        var rest: UInt64 = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// A count or length; negative values are a bug of the caller.
    package mutating func count(_ value: Int) {
        precondition(value >= 0, "a count is never negative: \(value)")
        varint(UInt64(value))
    }

    package mutating func bool(_ value: Bool) {
        bytes.append(value ? 1 : 0)
    }

    /// Length, then the bytes.
    @inlinable
    package mutating func byteString(_ value: some Collection<UInt8>) {
        count(value.count)
        bytes.append(contentsOf: value)
    }

    /// Length in bytes, then UTF-8.
    package mutating func string(_ value: String) {
        byteString(value.utf8)
    }

    /// The bytes alone: the reader must know how many there are.
    @inlinable
    package mutating func raw(_ value: some Collection<UInt8>) {
        bytes.append(contentsOf: value)
    }

    private mutating func fixed<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
