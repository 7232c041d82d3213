internal import Glibc
internal import Synchronization

/// A thread for work that blocks: the disk, or the loop of a driver.
package final class WorkerThread: Sendable {
    /// What the new thread is given; freed by it.
    private final class Start {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let handle: Mutex<pthread_t?>

    package init(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        // The retained object is released by the thread that receives it.
        let start = Unmanaged.passRetained(Start(body))
        let code: Int32 = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            },
            start.toOpaque()
        )
        precondition(code == 0, "cannot start a thread: \(String(cString: strerror(code)))")
        handle = Mutex(thread)
    }

    /// Waits until the body returned.
    ///
    /// Only the first call waits.
    package func join() {
        let thread: pthread_t? = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        guard let thread else { return }
        pthread_join(thread, nil)
    }

    deinit {
        // Nobody waited: let the kernel clean up.
        handle.withLock { if let thread = $0 { pthread_detach(thread) } }
    }
}
