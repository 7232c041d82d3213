import CLinux
import Glibc
import Synchronization

/// Wakes a thread that waits in `poll`, from any thread.
///
/// The lock keeps `signal` from writing to a descriptor that was closed and given to somebody else meanwhile.
final class WakeSignal: Sendable {
    private struct State: ~Copyable {
        var descriptor: Int32
        var isSignalled = false
    }

    private let state: Mutex<State>

    init() {
        let number: Int32 = CLinux.eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        state = Mutex(State(descriptor: number))
    }

    deinit {
        state.withLock { if $0.descriptor >= 0 { close($0.descriptor) } }
    }

    /// Readable once `signal` was called; open as long as this object lives, -1 if it never was.
    var descriptor: Int32 { state.withLock { $0.descriptor } }

    var isSignalled: Bool { state.withLock { $0.isSignalled } }

    func signal() {
        state.withLock { state in
            state.isSignalled = true
            var one: UInt64 = 1
            // Cannot block: the counter is far from full.
            _ = write(state.descriptor, &one, 8)
        }
    }
}
