import Bytes
import JSON

/// Asks for the output of a container.
package struct LogsRequest: Sendable, Hashable {
    /// Chosen by the server; names the answers.
    package var stream: UInt64
    package var uuid: String
    /// Keep sending what comes.
    package var follow: Bool
    /// Only that many of the last lines; nil is all.
    package var lines: UInt64?
    /// Each line with its time, as ``LogChunk/time``.
    package var timestamps: Bool
    /// Seconds since 1970; nothing older.
    package var since: UInt64?
    /// How much may be sent before the first ``StreamCredit``; nil, of an older server, sets no bound.
    package var credit: UInt64?

    package init(
        stream: UInt64,
        uuid: String,
        follow: Bool,
        lines: UInt64? = nil,
        timestamps: Bool = false,
        since: UInt64? = nil,
        credit: UInt64? = nil
    ) {
        self.stream = stream
        self.uuid = uuid
        self.follow = follow
        self.lines = lines
        self.timestamps = timestamps
        self.since = since
        self.credit = credit
    }

    init(_ members: FrameMembers) throws(FrameError) {
        self.init(
            stream: try members.count("stream"),
            uuid: try members.uuid("uuid"),
            follow: try members.flag("follow"),
            lines: try members.optionalCount("lines"),
            timestamps: try members.flag("timestamps"),
            since: try members.optionalCount("since"),
            credit: try members.optionalCount("credit")
        )
    }

    func append(to object: inout JSONObject) {
        object.append("stream", JSONValue(stream))
        object.append("uuid", .string(uuid))
        object.append("follow", .bool(follow))
        if let lines { object.append("lines", JSONValue(lines)) }
        object.append("timestamps", .bool(timestamps))
        if let since { object.append("since", JSONValue(since)) }
        if let credit { object.append("credit", JSONValue(credit)) }
    }
}

/// Where a container wrote it.
package enum LogKind: String, Sendable, Hashable, CaseIterable {
    case stdout, stderr
    /// A terminal, where the two are one.
    case tty
}

/// Some output of a container, or of a command that runs in it.
package struct LogChunk: Sendable, Hashable {
    package var stream: UInt64
    package var kind: LogKind
    package var bytes: [UInt8]
    /// RFC 3339, when times were asked for; then this is one line.
    package var time: String?

    package init(stream: UInt64, kind: LogKind, bytes: [UInt8], time: String? = nil) {
        self.stream = stream
        self.kind = kind
        self.bytes = bytes
        self.time = time
    }

    init(_ members: FrameMembers) throws(FrameError) {
        guard let bytes: [UInt8] = Base64.decode(try members.text("bytes")) else {
            throw FrameError("\(members.place).bytes: expected base64")
        }
        self.init(
            stream: try members.count("stream"),
            kind: try members.word("kind", LogKind.self),
            bytes: bytes,
            time: try members.optionalText("time")
        )
    }

    func append(to object: inout JSONObject) {
        object.append("stream", JSONValue(stream))
        object.append("kind", .string(kind.rawValue))
        object.append("bytes", .string(Base64.encode(bytes)))
        object.append("time", ifPresent: time)
    }
}

/// No more output comes on a stream.
package struct LogEnd: Sendable, Hashable {
    package var stream: UInt64
    /// nil when the container's output has ended, or all of it was sent.
    package var error: String?

    package init(stream: UInt64, error: String? = nil) {
        self.stream = stream
        self.error = error
    }

    init(_ members: FrameMembers) throws(FrameError) {
        self.init(stream: try members.count("stream"), error: try members.optionalText("error"))
    }

    func append(to object: inout JSONObject) {
        object.append("stream", JSONValue(stream))
        object.append("error", ifPresent: error)
    }
}
