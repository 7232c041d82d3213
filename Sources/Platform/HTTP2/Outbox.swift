/// What is still to be sent on one stream.
struct Outbox {
    private var bytes: [UInt8] = []
    private var position: Int = 0
    /// Nothing comes behind these bytes.
    private(set) var isLast: Bool = false

    var isEmpty: Bool { position == bytes.count }

    mutating func add(_ more: [UInt8], isLast: Bool) {
        if isEmpty {
            bytes = more
            position = 0
        } else {
            bytes.append(contentsOf: more)
        }
        self.isLast = isLast
    }

    /// Moves what fits into `space`; returns how many bytes.
    mutating func take(into space: UnsafeMutableRawBufferPointer) -> Int {
        let count: Int = min(space.count, bytes.count - position)
        guard count > 0 else { return 0 }
        bytes.withUnsafeBytes {
            space.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[position..<position + count]))
        }
        position += count
        if isEmpty {
            bytes = []
            position = 0
        }
        return count
    }
}
