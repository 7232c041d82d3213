import Glibc

/// Work that waits for the disk, or takes long, on a thread of its own: the pool's threads and the loops never block.
package enum Blocking {
    /// - Throws: what `work` throws.
    package static func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            let box = Work {
                do throws(Failure) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            var thread = pthread_t()
            let held: Unmanaged<Work> = .passRetained(box)  // given back by the thread
            let code: Int32 = pthread_create(
                &thread,
                nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                    return nil
                },
                held.toOpaque()
            )
            if code == 0 {
                pthread_detach(thread)
            } else {
                // Without a thread it is better late than never.
                held.release()
                box.body()
            }
        }
        return try result.get()
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
