import Synchronization

/// Keeps records in memory, so that a test can ask what was logged.
package final class CapturingLogSink: LogSink {
    private let captured = Mutex<[LogRecord]>([])

    package init() {}

    /// All records so far, oldest first.
    package var records: [LogRecord] { captured.withLock { $0 } }

    package func write(_ record: LogRecord) {
        captured.withLock { $0.append(record) }
    }
}
