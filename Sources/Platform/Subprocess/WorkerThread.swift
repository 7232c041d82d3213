import CLinux
import Glibc

/// A thread for one job that blocks, so that no thread of the task pool does.
package enum WorkerThread {
    private final class Job: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `job` on a new thread that blocks SIGPIPE: a reader that goes away is an error of `write` there.
    ///
    /// Returns false, and runs nothing, when the system has no thread left.
    package static func start(_ job: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 512 * 1024)
        // The new thread takes over the retain; without one it is balanced here.
        let retained = Unmanaged.passRetained(Job(job))
        var thread = pthread_t()
        let code: Int32 = pthread_create(
            &thread,
            &attributes,
            { argument in
                guard let argument else { return nil }
                let job: Job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
                var signals = sigset_t()
                sigemptyset(&signals)
                sigaddset(&signals, SIGPIPE)
                pthread_sigmask(SIG_BLOCK, &signals, nil)
                job.run()
                return nil
            },
            retained.toOpaque()
        )
        if code != 0 { retained.release() }
        return code == 0
    }
}
