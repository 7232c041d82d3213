/// Cuts a stream of bytes into lines, each with its end; what has none yet is kept.
struct LineSplitter {
    private let limitBytes: Int
    private var rest: [UInt8] = []

    /// A longer line comes in pieces.
    init(limitBytes: Int) { self.limitBytes = limitBytes }

    mutating func add(_ bytes: some Collection<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for byte in bytes {
            rest.append(byte)
            if byte == UInt8(ascii: "\n") || rest.count >= limitBytes {
                lines.append(rest)
                rest = []
            }
        }
        return lines
    }

    /// The last line, if it had no end.
    mutating func finish() -> [UInt8]? {
        defer { rest = [] }
        return rest.isEmpty ? nil : rest
    }
}
