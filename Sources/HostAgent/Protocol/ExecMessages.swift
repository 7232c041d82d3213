import Bytes
import JSON
import Limits

/// Asks for a command to be run in a container.
///
/// The agent answers with ``StreamCredit`` once the command runs, then with ``LogChunk`` and at last ``ExecExit``; or
/// with ``ExecExit`` alone when it cannot be run.
package struct ExecOrder: Sendable, Hashable {
    /// Chosen by the server; names the answers.
    ///
    /// Shares its numbers with ``LogsRequest/stream``.
    package var stream: UInt64
    package var uuid: String
    package var command: [String]
    /// Give it a terminal.
    package var isTerminal: Bool
    /// It gets ``ExecInput``; else its input is empty.
    package var hasInput: Bool
    /// Of the terminal; nil is what the runtime takes.
    package var columns: UInt64?
    package var rows: UInt64?
    /// How much output may be sent before the first ``StreamCredit``.
    package var credit: UInt64

    package init(
        stream: UInt64,
        uuid: String,
        command: [String],
        isTerminal: Bool = false,
        hasInput: Bool = false,
        columns: UInt64? = nil,
        rows: UInt64? = nil,
        credit: UInt64
    ) {
        self.stream = stream
        self.uuid = uuid
        self.command = command
        self.isTerminal = isTerminal
        self.hasInput = hasInput
        self.columns = columns
        self.rows = rows
        self.credit = credit
    }

    init(_ members: FrameMembers) throws(FrameError) {
        self.init(
            stream: try members.count("stream"),
            uuid: try members.uuid("uuid"),
            command: try members.texts("command"),
            isTerminal: try members.flag("tty"),
            hasInput: try members.flag("input"),
            columns: try members.optionalCount("columns"),
            rows: try members.optionalCount("rows"),
            credit: try members.count("credit")
        )
        guard !command.isEmpty else { throw FrameError("\(members.place).command: expected at least one text") }
    }

    func append(to object: inout JSONObject) {
        object.append("stream", JSONValue(stream))
        object.append("uuid", .string(uuid))
        object.append("command", JSONValue(command))
        object.append("tty", .bool(isTerminal))
        object.append("input", .bool(hasInput))
        if let columns { object.append("columns", JSONValue(columns)) }
        if let rows { object.append("rows", JSONValue(rows)) }
        object.append("credit", JSONValue(credit))
    }
}

/// Some input for a command, within the credit that the agent gave for it.
package struct ExecInput: Sendable, Hashable {
    package var stream: UInt64
    package var bytes: [UInt8]
    /// Nothing follows.
    package var isLast: Bool

    package init(stream: UInt64, bytes: [UInt8], isLast: Bool = false) {
        self.stream = stream
        self.bytes = bytes
        self.isLast = isLast
    }

    init(_ members: FrameMembers) throws(FrameError) {
        guard let bytes: [UInt8] = Base64.decode(try members.text("bytes")) else {
            throw FrameError("\(members.place).bytes: expected base64")
        }
        self.init(stream: try members.count("stream"), bytes: bytes, isLast: try members.flag("last"))
    }

    func append(to object: inout JSONObject) {
        object.append("stream", JSONValue(stream))
        object.append("bytes", .string(Base64.encode(bytes)))
        object.append("last", .bool(isLast))
    }
}

/// A command's terminal has another size now.
package struct ExecResize: Sendable, Hashable {
    package var stream: UInt64
    package var columns: UInt64
    package var rows: UInt64

    package init(stream: UInt64, columns: UInt64, rows: UInt64) {
        self.stream = stream
        self.columns = columns
        self.rows = rows
    }

    init(_ members: FrameMembers) throws(FrameError) {
        self.init(
            stream: try members.count("stream"),
            columns: try members.count("columns"),
            rows: try members.count("rows")
        )
    }

    func append(to object: inout JSONObject) {
        object.append("stream", JSONValue(stream))
        object.append("columns", JSONValue(columns))
        object.append("rows", JSONValue(rows))
    }
}

/// A command has ended, or could not be run; nothing more comes on its stream.
package struct ExecExit: Sendable, Hashable {
    package var stream: UInt64
    /// nil when it is not known, or there is an error.
    package var code: Int64?
    /// Why it could not be run, or was lost.
    package var error: String?

    package init(stream: UInt64, code: Int64?, error: String? = nil) {
        self.stream = stream
        self.code = code
        self.error = error
    }

    init(_ members: FrameMembers) throws(FrameError) {
        self.init(
            stream: try members.count("stream"),
            code: try members.optionalInteger("code"),
            error: try members.optionalText("error")
        )
    }

    func append(to object: inout JSONObject) {
        object.append("stream", JSONValue(stream))
        if let code { object.append("code", .int(code)) }
        object.append("error", ifPresent: error)
    }
}

/// Lets the other end send so much more on one stream: output to the server, input to the host.
///
/// Only a stream that was asked for with a credit is bound to it; others send as they can.
package struct StreamCredit: Sendable, Hashable {
    package var stream: UInt64
    /// Of ``LogChunk/cost`` or ``ExecInput/cost``.
    package var bytes: UInt64

    package init(stream: UInt64, bytes: UInt64) {
        self.stream = stream
        self.bytes = bytes
    }

    init(_ members: FrameMembers) throws(FrameError) {
        self.init(stream: try members.count("stream"), bytes: try members.count("bytes"))
    }

    func append(to object: inout JSONObject) {
        object.append("stream", JSONValue(stream))
        object.append("bytes", JSONValue(bytes))
    }

    /// What a piece of so many bytes takes: small pieces cost memory, too.
    package static func cost(bytes: Int) -> UInt64 { UInt64(bytes + Limits.hostStreamPieceCost) }
}

extension LogChunk {
    /// What it takes of a stream's credit.
    package var cost: UInt64 { StreamCredit.cost(bytes: bytes.count) }
}

extension ExecInput {
    /// What it takes of a stream's credit.
    package var cost: UInt64 { StreamCredit.cost(bytes: bytes.count) }
}
