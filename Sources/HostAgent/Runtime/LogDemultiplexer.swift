import HostProtocol

/// Takes apart the two streams that the engine sends as one (Engine API, "Stream format").
///
/// Shape: a header of 8 bytes (kind 0 to 2, three zeros, the length big-endian), then that many bytes. Payloads are handed on as
/// they come; a terminal's output has no headers.
struct LogDemultiplexer {
    private let isTerminal: Bool
    private var header: [UInt8] = []
    private var kind: LogKind = .stdout
    private var remaining: Int = 0

    init(isTerminal: Bool) { self.isTerminal = isTerminal }

    /// nil when the bytes are no such stream.
    mutating func add(_ bytes: [UInt8]) -> [(kind: LogKind, bytes: [UInt8])]? {
        if isTerminal { return bytes.isEmpty ? [] : [(.tty, bytes)] }
        var pieces: [(kind: LogKind, bytes: [UInt8])] = []
        var rest: ArraySlice<UInt8> = bytes[...]
        while !rest.isEmpty {
            if remaining > 0 {
                let part: ArraySlice<UInt8> = rest.prefix(remaining)
                pieces.append((kind, Array(part)))
                remaining -= part.count
                rest = rest.dropFirst(part.count)
                continue
            }
            let part: ArraySlice<UInt8> = rest.prefix(8 - header.count)
            header.append(contentsOf: part)
            rest = rest.dropFirst(part.count)
            guard header.count == 8 else { continue }
            guard header[0] <= 2, header[1...3].allSatisfy({ $0 == 0 }) else { return nil }
            kind = header[0] == 2 ? .stderr : .stdout
            remaining = header[4...].reduce(0) { $0 << 8 | Int($1) }
            header = []
        }
        return pieces
    }
}
