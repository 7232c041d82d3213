import JSON

/// What a command's supervisor and the agent tell each other.
///
/// Shape: the kind, three zeros, the length big-endian in four bytes, then that many bytes.
struct ExecFrame: Hashable {
    enum Kind: UInt8 {
        /// To the supervisor.
        case input = 0
        case inputEnd = 4
        /// Columns and rows, two bytes each.
        case size = 5
        /// To the agent.
        case output = 1
        case error = 2
        /// Four bytes; the last frame.
        case exit = 3
    }

    var kind: Kind
    var bytes: [UInt8]

    var encoded: [UInt8] {
        [kind.rawValue, 0, 0, 0] + withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
    }

    static func exit(_ code: Int32) -> ExecFrame {
        ExecFrame(kind: .exit, bytes: withUnsafeBytes(of: code.bigEndian) { Array($0) })
    }

    static func size(columns: Int, rows: Int) -> ExecFrame {
        let numbers: [UInt16] = [UInt16(clamping: columns), UInt16(clamping: rows)]
        return ExecFrame(kind: .size, bytes: numbers.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] })
    }
}

/// Takes frames out of bytes as they come.
struct ExecFrameDecoder {
    /// Neither side sends longer ones.
    static let frameBytes: Int = 1024 * 1024
    private var rest: [UInt8] = []

    /// nil when the bytes are no frames.
    mutating func add(_ bytes: some Collection<UInt8>) -> [ExecFrame]? {
        rest += bytes
        var frames: [ExecFrame] = []
        var position: Int = 0
        while rest.count - position >= 8 {
            let length: Int = rest[(position + 4)..<(position + 8)].reduce(0) { $0 << 8 | Int($1) }
            guard let kind = ExecFrame.Kind(rawValue: rest[position]), length <= Self.frameBytes else { return nil }
            guard rest.count - position - 8 >= length else { break }
            frames.append(ExecFrame(kind: kind, bytes: Array(rest[(position + 8)..<(position + 8 + length)])))
            position += 8 + length
        }
        rest.removeFirst(position)
        return frames
    }
}

/// The command that a supervisor of one is to run.
struct ExecOrder: Hashable {
    var folder: String
    var command: [String]
    var isTerminal: Bool
    var hasInput: Bool
    var columns: Int
    var rows: Int

    var json: JSONValue {
        [
            "folder": .string(folder), "command": JSONValue(command), "tty": .bool(isTerminal),
            "input": .bool(hasInput), "columns": JSONValue(columns), "rows": JSONValue(rows),
        ]
    }

    init(folder: String, command: [String], isTerminal: Bool, hasInput: Bool, columns: Int, rows: Int) {
        self.folder = folder
        self.command = command
        self.isTerminal = isTerminal
        self.hasInput = hasInput
        self.columns = columns
        self.rows = rows
    }

    init?(_ value: JSONValue) {
        guard let folder: String = value["folder"]?.string, let command: [JSONValue] = value["command"]?.array else {
            return nil
        }
        self.init(
            folder: folder,
            command: command.compactMap(\.string),
            isTerminal: value["tty"]?.bool ?? false,
            hasInput: value["input"]?.bool ?? false,
            columns: Int(value["columns"]?.int ?? 0),
            rows: Int(value["rows"]?.int ?? 0)
        )
    }
}
