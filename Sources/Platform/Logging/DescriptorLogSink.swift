import Glibc
import JSON
import Limits
import Synchronization

/// Writes each record as one line to a file descriptor, which stays open and belongs to the caller.
///
/// When the reader of a non-blocking descriptor does not keep up for `Limits.logWriteMilliseconds`, the record is
/// dropped; the next line that gets through is preceded by one that says how many were. The process must ignore
/// SIGPIPE if the descriptor is a pipe.
package final class DescriptorLogSink: LogSink {
    private let descriptor: Int32
    private let format: LogFormat
    /// The lock is held over the write, against the rule, because a line must stay in one piece and a
    /// descriptor that blocks one caller would block the next one anyway.
    private let output = Mutex(Output())

    private struct Output {
        /// Records lost since the last line that was written.
        var dropped: Int64 = 0
        /// The last line ended in its middle: the next one must not become its tail.
        var isTorn = false
    }

    package init(descriptor: Int32, format: LogFormat) {
        self.descriptor = descriptor
        self.format = format
    }

    /// Standard error: text for a terminal, JSON for everything else.
    package static func standardError() -> DescriptorLogSink {
        DescriptorLogSink(descriptor: STDERR_FILENO, format: isatty(STDERR_FILENO) == 1 ? .text : .json)
    }

    package func write(_ record: LogRecord) {
        let line: [UInt8] = format.line(record)
        output.withLock { output in
            if output.dropped > 0 {
                let loss = LogRecord(
                    time: record.time,
                    level: .error,
                    label: "log",
                    message: "records were dropped",
                    metadata: ["log.dropped": .int(output.dropped)]
                )
                guard put(format.line(loss), &output) else { return }
                output.dropped = 0
            }
            _ = put(line, &output)
        }
    }

    /// Whether the whole line was written; if not, one more record counts as dropped.
    private func put(_ line: [UInt8], _ output: inout Output) -> Bool {
        var rest: ArraySlice<UInt8> = output.isTorn ? [UInt8(ascii: "\n")] + line[...] : line[...]
        let total: Int = rest.count
        while !rest.isEmpty {
            let count: Int = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
                continue
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN, isWritableInTime() { continue }
            output.isTorn = output.isTorn || rest.count < total
            output.dropped += 1
            return false
        }
        output.isTorn = false
        return true
    }

    private func isWritableInTime() -> Bool {
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&wait, 1, Limits.logWriteMilliseconds) > 0
    }
}
