import Checkers
import EventLoop
import Glibc
import Synchronization

/// A history as it grows: in memory for the checkers, and line by line in a file for people and for later.
final class HistoryFile: Sendable {
    let path: String
    private let state: Mutex<State>

    private struct State {
        var operations: [ClientOperation] = []
        var file: Int32
    }

    init(_ path: String) throws {
        self.path = path
        let file: Int32 = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw RigFailure("cannot write \(path)") }
        state = Mutex(State(file: file))
    }

    deinit { state.withLock { _ = close($0.file) } }

    /// Nanoseconds of the clock that all its times are of.
    static var now: Int64 { Int64(MonotonicClock.now) }

    func add(_ operation: ClientOperation) {
        let line: [UInt8] = Array((HistoryLine.operation(operation).text + "\n").utf8)
        state.withLock { state in
            state.operations.append(operation)
            _ = write(state.file, line, line.count)
        }
    }

    /// Something for people, such as which fault began.
    func note(_ text: String) {
        let line: [UInt8] = Array((HistoryLine.note("\(Self.now) \(text)").text + "\n").utf8)
        state.withLock { _ = write($0.file, line, line.count) }
    }

    var operations: [ClientOperation] { state.withLock { $0.operations } }
}
