internal import CLinux
@preconcurrency internal import Dispatch
internal import Glibc
internal import Synchronization

/// What a command that carries bytes needs of the process's own input and output.
package struct TerminalPort: Sendable {
    /// Standard input and output are a terminal.
    package var isInteractive: @Sendable () -> Bool
    /// Columns and rows; nil without a terminal.
    package var size: @Sendable () -> (columns: Int, rows: Int)?
    /// Says each time that the size may have changed, until its reader stops.
    package var sizeChanges: @Sendable () -> AsyncStream<Void>
    /// Passes every key on as it is, until `restore`.
    package var enterRawMode: @Sendable () throws(CommandFailure) -> Void
    package var restore: @Sendable () -> Void
    /// The next bytes of standard input, or nil at its end; called by one task at a time.
    package var read: @Sendable () async -> [UInt8]?
    package var write: @Sendable (_ bytes: [UInt8], _ isError: Bool) -> Void

    /// The process's own.
    package static let standard = TerminalPort(
        isInteractive: { RawTerminal.isInteractive },
        size: { RawTerminal.size },
        sizeChanges: { WindowChanges.stream() },
        enterRawMode: { () throws(CommandFailure) in try RawTerminal.enter() },
        restore: { RawTerminal.restore() },
        read: { await StandardInput.read() },
        write: { Console.write($0, to: $1 ? STDERR_FILENO : STDOUT_FILENO) }
    )
}

/// Tells of SIGWINCH.
private enum WindowChanges {
    static func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let source: any DispatchSourceSignal = DispatchSource.makeSignalSource(signal: SIGWINCH, queue: .global())
        source.setEventHandler { continuation.yield() }
        source.resume()
        continuation.onTermination = { _ in source.cancel() }
        return stream
    }
}

/// Reads standard input on a thread of its own, a piece when it is asked for one.
private enum StandardInput {
    private static let queue = DispatchQueue(label: "standard input")
    private static let pieceBytes: Int = 16 * 1024
    /// How long a cancelled reader may still wait.
    private static let waitMilliseconds: Int32 = 100

    static func read() async -> [UInt8]? {
        let isCancelled = Flag()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async { continuation.resume(returning: next(unless: isCancelled)) }
            }
        } onCancel: {
            isCancelled.set()
        }
    }

    private static func next(unless isCancelled: Flag) -> [UInt8]? {
        while !isCancelled.isSet {
            var wanted = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, waitMilliseconds) > 0 else { continue }
            var piece = [UInt8](repeating: 0, count: pieceBytes)
            let count: Int = Glibc.read(STDIN_FILENO, &piece, piece.count)
            if count > 0 { return Array(piece[..<count]) }
            guard count < 0, errno == EINTR || errno == EAGAIN else { return nil }
        }
        return nil
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }
}
