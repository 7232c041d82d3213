/// A command to be run in a container.
package struct ExecRequest: Hashable, Sendable {
    /// The program and its arguments; no shell comes between.
    package var command: [String]
    package var isTerminal: Bool
    /// It gets input; else its input is empty.
    package var hasInput: Bool
    /// Of the terminal.
    package var size: TerminalSize?

    package init(command: [String], isTerminal: Bool, hasInput: Bool, size: TerminalSize? = nil) {
        self.command = command
        self.isTerminal = isTerminal
        self.hasInput = hasInput
        self.size = size
    }
}

/// How many characters a terminal shows.
package struct TerminalSize: Hashable, Sendable {
    package var columns: Int
    package var rows: Int

    package init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }
}

/// What comes of a command while it runs.
package enum ExecEvent: Hashable, Sendable {
    case output(OutputChunk)
    /// The last event.
    case exit(code: Int)
}

/// A command that runs; whoever stops reading calls ``cancel()``, and that ends it.
package struct ExecStream: Sendable {
    /// Taken from as they are asked for: who reads slowly slows the command, nothing piles up.
    package var events: AsyncThrowingStream<ExecEvent, any Error>
    /// Hands input to the command, and waits while it takes none; throws when it has ended.
    package var write: @Sendable ([UInt8]) async throws -> Void
    package var finishInput: @Sendable () async throws -> Void
    package var resize: @Sendable (TerminalSize) async throws -> Void
    package var cancel: @Sendable () -> Void

    package init(
        events: AsyncThrowingStream<ExecEvent, any Error>,
        write: @escaping @Sendable ([UInt8]) async throws -> Void,
        finishInput: @escaping @Sendable () async throws -> Void,
        resize: @escaping @Sendable (TerminalSize) async throws -> Void,
        cancel: @escaping @Sendable () -> Void
    ) {
        self.events = events
        self.write = write
        self.finishInput = finishInput
        self.resize = resize
        self.cancel = cancel
    }
}
