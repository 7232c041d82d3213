package import JSON

/// One thing worth telling: a constant message and its data.
package struct LogRecord: Sendable {
    package var time: LogTime
    package var level: LogLevel
    /// Which part of the program speaks, such as `raft` or `gateway.http`.
    package var label: String
    package var message: String
    /// Keys are dotted (`request.id`), in the order in which they were given.
    package var metadata: JSONObject

    package init(time: LogTime, level: LogLevel, label: String, message: String, metadata: JSONObject) {
        self.time = time
        self.level = level
        self.label = label
        self.message = message
        self.metadata = metadata
    }
}

/// Where records go.
package protocol LogSink: Sendable {
    /// Called from any thread; returns when the record is handed over or given up.
    func write(_ record: LogRecord)
}
