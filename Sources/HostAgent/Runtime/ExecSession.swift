package import HostAgentCore
import HostProtocol

/// A command to be run in a container that runs.
package struct ExecRequest: Sendable, Hashable {
    /// The program and its arguments; no shell comes between.
    package var command: [String]
    /// Give it a terminal; then its output is of the kind `tty`.
    package var isTerminal: Bool
    /// It gets what is written to the session; else its input is empty.
    package var hasInput: Bool
    /// Of the terminal; nil is what the runtime takes.
    package var columns: Int?
    package var rows: Int?

    package init(
        command: [String],
        isTerminal: Bool = false,
        hasInput: Bool = false,
        columns: Int? = nil,
        rows: Int? = nil
    ) {
        self.command = command
        self.isTerminal = isTerminal
        self.hasInput = hasInput
        self.columns = columns
        self.rows = rows
    }
}

/// A command that runs in a container.
///
/// A program that cannot be run is no error of the session: its output says why, and its code is 127 when there is no such
/// program, 126 when it may not be run, as a shell has it. One task reads while another writes.
package protocol ExecSession: Sendable {
    /// The next piece of output, or nil at its end.
    ///
    /// Nothing is read ahead of the caller without bound. Ends early when its task is cancelled.
    func read() async throws(OperationFailure) -> LogPiece?

    /// Hands all bytes to the command, and waits while it takes none.
    ///
    /// Does nothing once the command has ended or closed its input.
    func write(_ bytes: [UInt8]) async throws(OperationFailure)

    /// No more input comes. Of a terminal nothing is closed: there it is for the client to send the end-of-file character.
    func finishInput() async

    /// Does nothing without a terminal.
    func resize(columns: Int, rows: Int) async

    /// How the command ended, to be asked for once ``read()`` has given nil; nil when that cannot be told.
    ///
    /// 128 and the number of the signal when a signal ended it.
    func exitCode() async -> Int32?

    /// Lets go of it; one that still runs is ended, as far as the runtime can. A reader that waits gets nil or an error.
    func close()
}
