import Bytes
import WebSocket

/// How a command's stream is written as text messages (contract O18).
enum ExecForm: Sendable {
    /// Base64 of the bytes, both ways: what clients of the original speak. Errors are output, ends are closings.
    case base64
    /// A word, a space and the rest: `out`, `err` and `in` with base64, `end`, `size <columns>x<rows>`, `exit <code>`,
    /// `fail <text>`.
    case tagged

    init(_ name: String?) { self = name == "tagged" ? .tagged : .base64 }

    /// What a client says.
    enum Word: Hashable, Sendable {
        case input([UInt8])
        case end
        case size(TerminalSize)
    }

    func output(_ chunk: OutputChunk) -> String {
        let text: String = Base64.encode(chunk.bytes)
        switch self {
        case .base64: return text
        case .tagged: return (chunk.isError ? "err " : "out ") + text
        }
    }

    /// nil when it is nothing that a client says.
    func word(_ message: WebSocketMessage) -> Word? {
        guard case .text(let text) = message else { return nil }
        switch self {
        case .base64: return Base64.decode(text).map { .input($0) }
        case .tagged:
            if text == "end" { return .end }
            let parts: [Substring] = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            switch parts[0] {
            case "in": return Base64.decode(String(parts[1])).map { .input($0) }
            case "size":
                let numbers: [Int] = parts[1].split(separator: "x").compactMap { Int($0) }
                guard numbers.count == 2, numbers.allSatisfy((1...10_000).contains) else { return nil }
                return .size(TerminalSize(columns: numbers[0], rows: numbers[1]))
            default: return nil
            }
        }
    }
}
