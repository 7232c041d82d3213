extension EventLoop {
    /// Waits on the loop's clock.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled; ``NetworkFault/loopStopped``.
    package func sleep(milliseconds: Int) async throws {
        try await sleep(until: .after(milliseconds: milliseconds))
    }

    /// Waits for the next multiple of so many milliseconds of the clock that is at least half of them away.
    ///
    /// For whoever looks every now and then: all of them wake at the same moments, and between those the processor rests.
    ///
    /// - Throws: As ``sleep(milliseconds:)``.
    package func sleep(toMultipleOf milliseconds: Int) async throws {
        try await sleep(until: .multiple(of: milliseconds, after: MonotonicClock.now))
    }

    /// Waits until `deadline`.
    ///
    /// - Throws: As ``sleep(milliseconds:)``.
    package func sleep(until deadline: Deadline) async throws {
        guard isCurrent else {
            return try await run { [self] in
                guard isCurrent else { throw NetworkFault.loopStopped }
                try await sleep(until: deadline)
            }
        }
        guard !stopping else { throw NetworkFault.loopStopped }
        let waiter = Waiter(loop: self)
        let outcome: WaitOutcome = await waiter.wait(until: deadline)
        if outcome == .cancelled { throw CancellationError() }
        // Only the end of the loop wakes a sleeper early; whether it has ended is not asked off its thread.
        if !deadline.isPast { throw NetworkFault.loopStopped }
    }
}
