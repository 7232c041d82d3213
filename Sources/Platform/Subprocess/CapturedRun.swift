import CLinux
import Glibc
import Limits

/// One run of a program whose streams are pipes, driven by one thread that waits in `poll`.
struct CapturedRun {
    private let command: SubprocessCommand
    private let outputBytes: Int
    private let deadline: Duration
    private let wake: WakeSignal
    private let clock = ContinuousClock()
    private var input: ArraySlice<UInt8>
    private var output: [UInt8] = []
    private var errors: [UInt8] = []
    private var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    /// The first reason to end the program before its time.
    private var cause: SubprocessError?
    private var phase: Phase = .running
    /// When the phase is given up.
    private var limit: ContinuousClock.Instant

    private enum Phase {
        case running
        /// It was asked to end.
        case terminating
        /// It must end; only a process stuck in the kernel does not.
        case killed
        /// It has ended, but something it left behind may hold its output open.
        case ended
    }

    init(command: SubprocessCommand, input: [UInt8], deadline: Duration, outputBytes: Int, wake: WakeSignal) {
        self.command = command
        self.input = input[...]
        self.deadline = deadline
        self.outputBytes = outputBytes
        self.wake = wake
        limit = clock.now + deadline
    }

    mutating func result() -> Result<SubprocessResult, SubprocessError> {
        do throws(SubprocessError) {
            return .success(try run())
        } catch {
            return .failure(error)
        }
    }

    private mutating func run() throws(SubprocessError) -> SubprocessResult {
        guard wake.descriptor >= 0 else {
            throw .notStarted(program: command.program, cause: "no descriptor left to hear of its cancellation")
        }
        guard !wake.isSignalled else { throw .cancelled(program: command.program) }
        guard let inputPipe = Pipe(), let outputPipe = Pipe(), let errorPipe = Pipe() else {
            throw .notStarted(program: command.program, cause: "no pipe: \(systemMessage())")
        }
        guard inputPipe.write.setNonBlocking(), outputPipe.read.setNonBlocking(), errorPipe.read.setNonBlocking()
        else { throw .notStarted(program: command.program, cause: systemMessage()) }
        let process: pid_t = try Launch.start(
            command,
            standardInput: inputPipe.read.number,
            standardOutput: outputPipe.write.number,
            standardError: errorPipe.write.number,
            ownGroup: true
        )
        // With the child's ends open here, an end of file would never come.
        inputPipe.read.close()
        outputPipe.write.close()
        errorPipe.write.close()
        drive(process, inputPipe.write, outputPipe.read, errorPipe.read)
        // Reaped last: until here its process id, and so its group's, can be nobody else's.
        kill(-process, SIGKILL)
        let status: SubprocessStatus? = SubprocessStatus.reap(process)
        if let cause { throw describing(cause) }
        guard let status else {
            throw .system(program: command.program, operation: "waiting for it", cause: "its status is lost")
        }
        return SubprocessResult(status: status, standardOutput: output, standardError: errors)
    }

    /// Feeds and drains the program until it has ended and its output, too, or until that is given up.
    private mutating func drive(
        _ process: pid_t,
        _ inputEnd: Descriptor,
        _ outputEnd: Descriptor,
        _ errorEnd: Descriptor
    ) {
        let end = Descriptor(owning: clinux_pidfd_open(process))
        guard end.isOpen else {
            return stop(.system(program: command.program, operation: "pidfd_open", cause: systemMessage()))
        }
        while phase != .ended || outputEnd.isOpen || errorEnd.isOpen {
            if input.isEmpty { inputEnd.close() }
            var polled: [pollfd] = [
                pollfd(fd: outputEnd.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errorEnd.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: inputEnd.number, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: phase == .ended ? -1 : end.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: cause == nil ? wake.descriptor : -1, events: Int16(POLLIN), revents: 0),
            ]
            let ready: Int32 = poll(&polled, nfds_t(polled.count), milliseconds(until: limit))
            if ready < 0, errno != EINTR {
                return stop(.system(program: command.program, operation: "poll", cause: systemMessage()))
            }
            if ready > 0 {
                if polled[4].revents != 0 { stop(.cancelled(program: command.program)) }
                if polled[0].revents != 0 { drain(outputEnd, into: \.output, stream: "standard output") }
                if polled[1].revents != 0 { drain(errorEnd, into: \.errors, stream: "standard error") }
                if polled[2].revents != 0 { feed(inputEnd) }
                if polled[3].revents != 0 { enter(.ended) }
            }
            if phase == .ended, cause != nil, !isLate { return }
            if phase == .running, cause != nil {
                kill(-process, SIGKILL)
                enter(.killed)
            }
            guard clock.now >= limit else { continue }
            switch phase {
            case .running:
                stop(.deadlineExceeded(program: command.program, seconds: seconds(deadline), standardError: ""))
                kill(-process, SIGTERM)
                enter(.terminating)
            case .terminating:
                kill(-process, SIGKILL)
                enter(.killed)
            case .killed, .ended: return
            }
        }
    }

    /// Whether the deadline is why it must end: then what it still has to say is worth hearing.
    private var isLate: Bool {
        if case .deadlineExceeded = cause { true } else { false }
    }

    private mutating func enter(_ next: Phase) {
        phase = next
        limit = clock.now + .seconds(Limits.subprocessGraceSeconds)
    }

    /// What the program said, for the error that lets it be cut off in the middle of something.
    private func describing(_ cause: SubprocessError) -> SubprocessError {
        guard case .deadlineExceeded(let program, let seconds, _) = cause else { return cause }
        let said = String(decoding: errors.suffix(2048), as: UTF8.self)
        return .deadlineExceeded(program: program, seconds: seconds, standardError: said)
    }

    /// Reads what is there; closes the stream at its end.
    ///
    /// What comes after the limit is thrown away.
    private mutating func drain(
        _ descriptor: Descriptor,
        into stream: WritableKeyPath<CapturedRun, [UInt8]>,
        stream name: String
    ) {
        let count: Int = chunk.withUnsafeMutableBytes { read(descriptor.number, $0.baseAddress, $0.count) }
        guard count > 0 else {
            if count == 0 || (errno != EAGAIN && errno != EINTR) { descriptor.close() }
            return
        }
        let room: Int = outputBytes - self[keyPath: stream].count
        self[keyPath: stream].append(contentsOf: chunk[..<min(count, room)])
        if count > room {
            stop(.outputTooLong(program: command.program, stream: name, limitBytes: outputBytes))
        }
    }

    /// Writes what fits.
    ///
    /// A program need not read its input: that it does not is no error.
    private mutating func feed(_ descriptor: Descriptor) {
        let count: Int = input.withUnsafeBytes { write(descriptor.number, $0.baseAddress, $0.count) }
        if count > 0 {
            input = input.dropFirst(count)
        } else if count < 0, errno != EAGAIN, errno != EINTR {
            input = []
        }
    }

    private mutating func stop(_ error: SubprocessError) {
        if cause == nil { cause = error }
    }

    private func milliseconds(until limit: ContinuousClock.Instant) -> Int32 {
        let left: Duration = limit - clock.now
        guard left > .zero else { return 0 }
        let parts: (seconds: Int64, attoseconds: Int64) = left.components
        // Rounded up, or the last millisecond would be spent in a loop; an hour at a time cannot overflow.
        return Int32(min(parts.seconds, 3_600) * 1_000 + parts.attoseconds / 1_000_000_000_000_000 + 1)
    }

    private func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }
}
