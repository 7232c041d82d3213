import CLinux
import Glibc
import HostAgentCore

/// Runs one command in a container that runs, for one connection from the agent: when that is closed the command is ended.
///
/// One thread. Output is read from the command no faster than the agent takes it, and input from the agent no faster than the command does.
final class ExecSupervisor {
    private static let chunkBytes: Int = 32 * 1024
    /// Between the request to end and the end by force.
    private static let graceMilliseconds: Int64 = 3_000

    private let connection: Int32
    private let order: ExecOrder
    private var decoder = ExecFrameDecoder()
    private var child: RunningChild
    private let signals: Int32
    /// For the agent.
    private var outgoing: [UInt8] = []
    /// For the command.
    private var incoming: [UInt8] = []
    private var inputEnds: Bool = false
    private var isLost: Bool = false
    private var killAt: Int64?
    private var exitCode: Int32?
    private var drainUntil: Int64?

    /// - Parameter listener: where the agent connects, once.
    static func run(_ listener: Int32, _ path: String, _ order: ExecOrder) -> Int32 {
        var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        let count: Int32 = poll(&entry, 1, 10_000)
        let connection: Int32 = count > 0 ? clinux_accept4(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue)) : -1
        close(listener)
        unlink(path)
        guard connection >= 0 else { return 1 }
        do throws(OperationFailure) {
            try ExecSupervisor(connection, order).live()
        } catch {
            let frames: [UInt8] =
                ExecFrame(kind: .error, bytes: Array((error.message + "\n").utf8)).encoded
                + ExecFrame.exit(ExecFailure.code(of: error.message.lowercased()) ?? 126).encoded
            var rest: ArraySlice<UInt8> = frames[...]
            while !rest.isEmpty {
                let written: Int = rest.withUnsafeBytes {
                    send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { break }
                rest = rest.dropFirst(written)
            }
        }
        close(connection)
        return 0
    }

    private init(_ connection: Int32, _ order: ExecOrder) throws(OperationFailure) {
        self.connection = connection
        self.order = order
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGCHLD)
        sigprocmask(SIG_BLOCK, &set, nil)
        signals = CLinux.signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
        // The command is not the runtime's child for long.
        _ = clinux_adopt_orphans()
        let folder = ContainerFolder(path: order.folder)
        guard let plan: ContainerPlan = folder.plan() else {
            throw OperationFailure("the plan of container \(folder.id) cannot be read")
        }
        switch plan.isolation {
        case .oci: child = try OCIStart(folder: folder, plan: plan).exec(order)
        case .process: child = try PlainStart(folder: folder, plan: plan).exec(order)
        }
        if order.isTerminal, order.columns > 0, order.rows > 0 {
            _ = clinux_set_window(child.output, UInt16(clamping: order.columns), UInt16(clamping: order.rows))
        }
        for descriptor in [connection, child.input] where descriptor >= 0 {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
    }

    private func live() {
        while true {
            let now: Int64 = ShimClock.milliseconds
            if let killAt, now >= killAt {
                end(by: SIGKILL)
                self.killAt = nil
            }
            if exitCode != nil {
                let isDrained: Bool = child.output < 0 && child.error < 0
                if isLost || ((isDrained || now >= drainUntil ?? now) && outgoing.isEmpty) { break }
            }
            wait([killAt, drainUntil].compactMap { $0 }.min().map { Int32(clamping: max(1, $0 - now)) } ?? -1)
        }
        outgoing += ExecFrame.exit(exitCode ?? 137).encoded
        _ = fcntl(connection, F_SETFL, fcntl(connection, F_GETFL) & ~O_NONBLOCK)
        while !outgoing.isEmpty, !isLost { flush() }
    }

    private func wait(_ milliseconds: Int32) {
        var entries: [pollfd] = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
        if !isLost {
            let events: Int32 = (incoming.isEmpty ? Int32(POLLIN) : 0) | (outgoing.isEmpty ? 0 : Int32(POLLOUT))
            entries.append(pollfd(fd: connection, events: Int16(events), revents: 0))
        }
        if outgoing.count < Self.chunkBytes * 2 || isLost {
            for descriptor in [child.output, child.error] where descriptor >= 0 {
                entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
            }
        }
        if !incoming.isEmpty, inputPlace >= 0 {
            // A terminal is read and written at one descriptor.
            entries.append(pollfd(fd: inputPlace, events: Int16(POLLOUT), revents: 0))
        }
        guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return }
        var ready: Set<Int32> = []
        for entry in entries where entry.revents != 0 { ready.insert(entry.fd) }
        if ready.contains(signals) { reap() }
        if ready.contains(child.output) { child.output = read(child.output, .output) }
        if ready.contains(child.error) { child.error = read(child.error, .error) }
        if ready.contains(connection) {
            flush()
            if incoming.isEmpty { receive() }
        }
        feed()
    }

    private var inputPlace: Int32 { order.isTerminal ? child.output : child.input }

    /// - Returns: -1 once nothing more comes.
    private func read(_ descriptor: Int32, _ kind: ExecFrame.Kind) -> Int32 {
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        let count: Int = Glibc.read(descriptor, &chunk, chunk.count)
        if count > 0 {
            if !isLost { outgoing += ExecFrame(kind: kind, bytes: Array(chunk[..<count])).encoded }
            return descriptor
        }
        if count < 0, errno == EAGAIN || errno == EINTR { return descriptor }
        close(descriptor)
        return -1
    }

    private func flush() {
        guard !outgoing.isEmpty else { return }
        let count: Int = outgoing.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count > 0 { outgoing.removeFirst(count) } else if errno != EAGAIN, errno != EINTR { lose() }
    }

    private func receive() {
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        let count: Int = recv(connection, &chunk, chunk.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0, let frames: [ExecFrame] = decoder.add(chunk[..<count]) else { return lose() }
        for frame in frames {
            switch frame.kind {
            case .input: incoming += frame.bytes
            case .inputEnd: inputEnds = true
            case .size where frame.bytes.count == 4:
                let numbers: [UInt16] = [0, 2].map { UInt16(frame.bytes[$0]) << 8 | UInt16(frame.bytes[$0 + 1]) }
                if order.isTerminal, child.output >= 0 { _ = clinux_set_window(child.output, numbers[0], numbers[1]) }
            default: return lose()
            }
        }
    }

    private func feed() {
        let place: Int32 = inputPlace
        if !incoming.isEmpty {
            let count: Int = place < 0 ? 0 : incoming.withUnsafeBytes { Glibc.write(place, $0.baseAddress, $0.count) }
            if count > 0 {
                incoming.removeFirst(count)
            } else if place < 0 || (errno != EAGAIN && errno != EINTR) {
                // It has closed its input, or ended.
                incoming = []
                closeInput()
            }
        }
        if incoming.isEmpty, inputEnds { closeInput() }
    }

    private func closeInput() {
        guard !order.isTerminal, child.input >= 0 else { return }
        close(child.input)
        child.input = -1
    }

    /// The agent, or the client behind it, is gone.
    private func lose() {
        guard !isLost else { return }
        isLost = true
        outgoing = []
        incoming = []
        closeInput()
        end(by: SIGHUP)
        killAt = ShimClock.milliseconds + Self.graceMilliseconds
    }

    private func end(by signal: Int32) {
        guard exitCode == nil else { return }
        kill(child.process, signal)
    }

    private func reap() {
        var information = signalfd_siginfo()
        while Glibc.read(signals, &information, MemoryLayout<signalfd_siginfo>.size) > 0 {}
        var raw: Int32 = 0
        while true {
            let process: pid_t = waitpid(-1, &raw, WNOHANG)
            guard process > 0 else { return }
            guard process == child.process else { continue }
            exitCode = ShimProcess.exitCode(raw)
            killAt = nil
            drainUntil = ShimClock.milliseconds + 1_000
        }
    }
}
