package import JSON

/// Writes records of one part of the program to a sink.
///
/// The message is constant text and everything variable is metadata, so records can be counted and searched:
/// `logger.notice("leader changed", ["raft.term": .int(term)])`. Metadata is built only if the level is on.
/// Tokens, bodies and keys are never logged; wrap them in ``Secret`` where they might slip in.
package struct Logger: Sendable {
    package let label: String
    /// The least that matters enough to be written.
    package let level: LogLevel
    private let sink: any LogSink
    private let bound: JSONObject

    package init(label: String, level: LogLevel, sink: any LogSink) {
        self.init(label: label, level: level, sink: sink, bound: [:])
    }

    private init(label: String, level: LogLevel, sink: any LogSink, bound: JSONObject) {
        self.label = label
        self.level = level
        self.sink = sink
        self.bound = bound
    }

    /// The same logger for a part of the program with another name.
    package func labelled(_ label: String) -> Logger {
        Logger(label: label, level: level, sink: sink, bound: bound)
    }

    /// A logger that adds `metadata` to each record; a record's own value for a key replaces it.
    package func with(_ metadata: JSONObject) -> Logger {
        Logger(label: label, level: level, sink: sink, bound: merged(metadata))
    }

    /// For skipping work that only serves a record.
    package func isEnabled(_ level: LogLevel) -> Bool { level <= self.level }

    package func error(_ message: StaticString, _ metadata: @autoclosure () -> JSONObject = [:]) {
        log(.error, message, metadata())
    }

    package func notice(_ message: StaticString, _ metadata: @autoclosure () -> JSONObject = [:]) {
        log(.notice, message, metadata())
    }

    package func info(_ message: StaticString, _ metadata: @autoclosure () -> JSONObject = [:]) {
        log(.info, message, metadata())
    }

    package func debug(_ message: StaticString, _ metadata: @autoclosure () -> JSONObject = [:]) {
        log(.debug, message, metadata())
    }

    package func log(_ level: LogLevel, _ message: StaticString, _ metadata: @autoclosure () -> JSONObject = [:]) {
        guard isEnabled(level) else { return }
        sink.write(
            LogRecord(
                time: .now(),
                level: level,
                label: label,
                message: message.description,
                metadata: merged(metadata())
            )
        )
    }

    private func merged(_ metadata: JSONObject) -> JSONObject {
        guard !bound.isEmpty else { return metadata }
        var all: JSONObject = bound
        for (key, value) in metadata { all[key] = value }
        return all
    }
}
