/// Bytes with places into which apply splices numbers that it has just allocated.
///
/// A document, an index term or a unique key that names a record of the same transaction cannot know
/// its number yet. It declares a hole at the byte offset where the decimal digits of the `created`-th
/// allocated number belong (written `$0`, `$1`, … in prose). Nothing else is ever rewritten: text that
/// merely looks like `$0` stays as it is.
package struct Template: Hashable, Sendable {
    package struct Hole: Hashable, Sendable {
        /// Bytes of ``Template/bytes`` that stand before the number.
        package var offset: Int
        /// Which number of the transaction, from 0.
        package var created: Int

        package init(offset: Int, created: Int) {
            self.offset = offset
            self.created = created
        }
    }

    package var bytes: [UInt8]
    /// Ascending by offset; several may share one.
    package var holes: [Hole]

    package init(bytes: [UInt8], holes: [Hole] = []) {
        self.bytes = bytes
        self.holes = holes
    }

    package init(_ text: String) {
        self.init(bytes: Array(text.utf8))
    }

    /// The bytes with every hole filled in.
    ///
    /// Invariant: `numbers` covers every hole; ``Transaction`` is checked for that before it is applied.
    package func filled(with numbers: [UInt64]) -> [UInt8] {
        guard !holes.isEmpty else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + holes.count * 8)
        var position: Int = 0
        for hole in holes {
            result.append(contentsOf: bytes[position..<hole.offset])
            result.append(contentsOf: String(numbers[hole.created]).utf8)
            position = hole.offset
        }
        result.append(contentsOf: bytes[position...])
        return result
    }
}
