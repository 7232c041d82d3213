internal import CLinux
internal import Glibc
internal import Synchronization

/// A terminal whose keys go to a program elsewhere: nothing is echoed, held back or turned into a signal here.
///
/// The old mode is set again by ``restore()``, which may be called at any time from any thread, also on the way out after a
/// signal.
final class RawTerminal: Sendable {
    private static let shared = RawTerminal()
    /// The mode before, while the terminal is raw.
    private let before = Mutex<termios?>(nil)

    /// Whether both ends of a conversation are a person's.
    static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

    /// - Throws: when standard input is no terminal.
    static func enter() throws(CommandFailure) {
        var mode = termios()
        guard tcgetattr(STDIN_FILENO, &mode) == 0 else {
            throw CommandFailure("standard input is no terminal: leave out -t")
        }
        let old: termios = mode
        cfmakeraw(&mode)
        shared.before.withLock { before in
            if before == nil { before = old }
        }
        guard tcsetattr(STDIN_FILENO, TCSANOW, &mode) == 0 else {
            restore()
            throw CommandFailure("the terminal cannot be prepared: \(String(cString: strerror(errno)))")
        }
    }

    /// Does nothing when the terminal is not raw.
    static func restore() {
        shared.before.withLock { before in
            guard var old: termios = before.take() else { return }
            tcsetattr(STDIN_FILENO, TCSADRAIN, &old)
        }
    }

    /// Columns and rows of standard output; nil when it is no terminal.
    static var size: (columns: Int, rows: Int)? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
