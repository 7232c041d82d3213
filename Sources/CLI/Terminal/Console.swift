internal import CLinux
internal import Glibc

/// Where a command prints: data to one side, everything else to the other.
package struct Console: Sendable {
    package var write: @Sendable (String) -> Void
    package var writeError: @Sendable (String) -> Void
    /// The width of the terminal that data goes to; nil when it is none.
    package var columns: @Sendable () -> Int?
    /// The width of the terminal that messages go to; nil when it is none, or cannot move its cursor.
    package var messageColumns: @Sendable () -> Int?
    package var usesColour: Bool
    /// For commands that carry bytes instead of printing lines.
    package var terminal: TerminalPort

    package init(
        write: @escaping @Sendable (String) -> Void,
        writeError: @escaping @Sendable (String) -> Void,
        columns: @escaping @Sendable () -> Int? = { nil },
        messageColumns: @escaping @Sendable () -> Int? = { nil },
        usesColour: Bool = false,
        terminal: TerminalPort = .standard
    ) {
        self.write = write
        self.writeError = writeError
        self.columns = columns
        self.messageColumns = messageColumns
        self.usesColour = usesColour
        self.terminal = terminal
    }

    /// A line of data.
    package func line(_ text: String) { write("\(text)\n") }

    /// A line about what is going on.
    package func note(_ text: String) { writeError("\(text)\n") }

    /// A line about what went wrong.
    package func fail(_ text: String) { writeError("drover: \(text)\n") }

    /// Standard output and standard error.
    package static func standard(_ environment: [String: String]) -> Console {
        let isDumb: Bool = environment["TERM"] == "dumb"
        return Console(
            write: { Self.write($0, to: STDOUT_FILENO) },
            writeError: { Self.write($0, to: STDERR_FILENO) },
            columns: { Self.width(STDOUT_FILENO) },
            messageColumns: { isDumb ? nil : Self.width(STDERR_FILENO) },
            // https://no-color.org: present and not empty.
            usesColour: environment["NO_COLOR", default: ""].isEmpty && !isDumb && isatty(STDOUT_FILENO) == 1
        )
    }

    private static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

    static func write(_ all: [UInt8], to descriptor: Int32) {
        var bytes: ArraySlice<UInt8> = all[...]
        while !bytes.isEmpty {
            let count: Int = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes = bytes.dropFirst(count)
            } else if errno == EAGAIN {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wanted, 1, -1)
            } else if errno != EINTR {
                return  // nobody reads any more; there is nowhere to say so
            }
        }
    }

    private static func width(_ descriptor: Int32) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
