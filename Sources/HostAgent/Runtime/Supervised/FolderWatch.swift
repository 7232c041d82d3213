import CLinux
import Glibc
import HostAgentCore
import Limits
import Subprocess
import Synchronization

/// Hears of changes in folders from the kernel (inotify(7)): one descriptor and one thread for all folders of a runtime.
///
/// The thread ends with this object.
final class FolderWatch: Sendable {
    private struct State {
        /// By the kernel's number of a folder: who listens.
        var listeners: [Int32: [Int: AsyncStream<String>.Continuation]] = [:]
        var count: Int = 0
    }

    private let descriptor: Int32
    private let stop: Int32
    private let state: SharedState

    /// Outlives the object until its thread has ended.
    private final class SharedState: Sendable {
        let value = Mutex(State())
    }

    init() throws(OperationFailure) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        stop = CLinux.eventfd(0, Int32(EFD_CLOEXEC))
        state = SharedState()
        let shared: SharedState = state
        let (descriptor, stop) = (descriptor, stop)
        guard descriptor >= 0, stop >= 0, WorkerThread.start({ Self.run(descriptor, stop, shared) }) else {
            throw OperationFailure(
                "cannot watch folders: \(String(cString: strerror(errno))); see fs.inotify.max_user_instances",
                isTransient: true
            )
        }
    }

    deinit {
        var one: UInt64 = 1
        // The thread closes both descriptors.
        _ = write(stop, &one, 8)
    }

    /// The names of what changes in a folder; an empty one when some were lost, and at the start.
    ///
    /// Changes after this call are told. The stream ends at once when the folder is gone.
    func changes(in path: String) -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream<String>.makeStream(
            bufferingPolicy: .bufferingNewest(Limits.hostEvents)
        )
        let mask: UInt32 = UInt32(IN_MODIFY) | UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_DELETE_SELF)
        let (watch, number): (Int32, Int) = state.value.withLock { state in
            let watch: Int32 = inotify_add_watch(descriptor, path, mask)
            guard watch >= 0 else { return (watch, 0) }
            state.count += 1
            state.listeners[watch, default: [:]][state.count] = continuation
            return (watch, state.count)
        }
        guard watch >= 0 else {
            continuation.finish()
            return stream
        }
        continuation.yield("")
        // Not this object: a listener must not keep it.
        continuation.onTermination = { [weak self] _ in self?.forget(watch, number) }
        return stream
    }

    private func forget(_ watch: Int32, _ number: Int) {
        state.value.withLock { state in
            state.listeners[watch]?[number] = nil
            guard state.listeners[watch]?.isEmpty == true else { return }
            state.listeners[watch] = nil
            inotify_rm_watch(descriptor, watch)
        }
    }

    private static func run(_ descriptor: Int32, _ stop: Int32, _ shared: SharedState) {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            var entries: [pollfd] = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&entries, 2, -1) < 0, errno != EINTR { break }
            if entries[1].revents != 0 { break }
            let count: Int = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { continue }
            tell(buffer[..<count], shared)
        }
        let left: [AsyncStream<String>.Continuation] = shared.value.withLock { state in
            defer { state.listeners = [:] }
            return state.listeners.values.flatMap(\.values)
        }
        for each in left { each.finish() }
        close(descriptor)
        close(stop)
    }

    /// Each event: number, mask, cookie, length of the name (4 bytes each), the name with zeros behind it.
    private static func tell(_ bytes: ArraySlice<UInt8>, _ shared: SharedState) {
        var offset: Int = bytes.startIndex
        while offset + 16 <= bytes.endIndex {
            func word(_ place: Int) -> UInt32 {
                bytes.withUnsafeBytes {
                    $0.loadUnaligned(fromByteOffset: offset - bytes.startIndex + place, as: UInt32.self)
                }
            }
            let watch: Int32 = Int32(bitPattern: word(0))
            let mask: UInt32 = word(4)
            let end: Int = min(bytes.endIndex, offset + 16 + Int(word(12)))
            let name = String(decoding: bytes[(offset + 16)..<end].prefix { $0 != 0 }, as: UTF8.self)
            let hasLost: Bool = mask & UInt32(IN_Q_OVERFLOW) != 0
            let isGone: Bool = mask & UInt32(IN_IGNORED) != 0
            let listeners: [AsyncStream<String>.Continuation] = shared.value.withLock { state in
                if hasLost { return state.listeners.values.flatMap(\.values) }
                defer { if isGone { state.listeners[watch] = nil } }
                return state.listeners[watch].map { Array($0.values) } ?? []
            }
            for listener in listeners {
                if isGone { listener.finish() } else { listener.yield(hasLost ? "" : name) }
            }
            offset = end
        }
    }
}
