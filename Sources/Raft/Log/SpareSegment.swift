internal import Glibc
internal import Synchronization

/// The next segment, filled with zeros by a thread of its own while the current one is written.
///
/// If it is not ready in time, or could not be made, the log makes its own; so a failure here is only a delay.
final class SpareSegment: Sendable {
    private static let name: String = "spare"

    private enum State {
        case none
        case working(WorkerThread)
        case ready
    }

    private let directory: Directory
    private let bytes: Int
    private let state = Mutex<State>(.none)

    init(directory: Directory, bytes: Int) {
        self.directory = directory
        self.bytes = bytes
    }

    /// Starts making one, unless that is under way or done.
    func prepare() {
        state.withLock { state in
            guard case .none = state else { return }
            state = .working(WorkerThread { self.make() })
        }
    }

    private func make() {
        let made: File? = try? ZeroFilledFile.create(Self.name, in: directory, bytes: bytes)
        state.withLock { $0 = made == nil ? .none : .ready }
    }

    /// The prepared file under another name, or nil when there is none of that size.
    func take(as name: String, atLeast needed: Int) throws(LogFault) -> File? {
        wait()
        let isReady: Bool = state.withLock { state in
            guard case .ready = state, needed <= bytes else { return false }
            state = .none
            return true
        }
        guard isReady else { return nil }
        try directory.rename(Self.name, to: name)
        return try File(opening: directory.path(of: name), flags: O_RDWR)
    }

    func wait() {
        let thread: WorkerThread? = state.withLock { state in
            if case .working(let thread) = state { thread } else { nil }
        }
        thread?.join()
    }
}
