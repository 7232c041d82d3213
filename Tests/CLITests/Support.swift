import Glibc
import Synchronization
import TestSupport
import Testing

@testable import CLI

/// What a command printed.
final class Printed: Sendable {
    private let texts = Mutex<(out: String, error: String)>(("", ""))

    var out: String { texts.withLock { $0.out } }
    var error: String { texts.withLock { $0.error } }

    func console(columns: Int? = nil, terminal: TerminalPort = .none) -> Console {
        Console(
            write: { [self] text in texts.withLock { $0.out += text } },
            writeError: { [self] text in texts.withLock { $0.error += text } },
            columns: { columns },
            terminal: terminal
        )
    }
}

/// A terminal that a test plays.
final class FakeTerminal: Sendable {
    struct State {
        var out: [UInt8] = []
        var error: [UInt8] = []
        var isRaw: Bool = false
        var wasRaw: Bool = false
        var input: [[UInt8]]
    }

    let state: Mutex<State>
    let size: (columns: Int, rows: Int)?

    init(input: [String] = [], size: (columns: Int, rows: Int)? = nil) {
        state = Mutex(State(input: input.map { Array($0.utf8) }))
        self.size = size
    }

    var out: String { state.withLock { String(decoding: $0.out, as: UTF8.self) } }
    var error: String { state.withLock { String(decoding: $0.error, as: UTF8.self) } }

    var port: TerminalPort {
        TerminalPort(
            isInteractive: { [self] in size != nil },
            size: { [self] in size },
            sizeChanges: { AsyncStream { $0.finish() } },
            enterRawMode: { [self] () throws(CommandFailure) in
                state.withLock { state in
                    state.isRaw = true
                    state.wasRaw = true
                }
            },
            restore: { [self] in state.withLock { $0.isRaw = false } },
            read: { [self] in state.withLock { $0.input.isEmpty ? nil : $0.input.removeFirst() } },
            write: { [self] bytes, isError in
                state.withLock { state in
                    if isError { state.error += bytes } else { state.out += bytes }
                }
            }
        )
    }
}

extension TerminalPort {
    static var none: TerminalPort { FakeTerminal().port }
}

/// What a command line came to.
struct Ended {
    var code: Int32
    var out: String
    var error: String
}

/// Runs a command line in a folder.
func drover(
    _ arguments: String...,
    server: FakeServer? = nil,
    folder: String = "/nonexistent",
    columns: Int? = nil,
    environment: [String: String] = [:],
    terminal: TerminalPort = .none
) async -> Ended {
    await drover(
        arguments,
        server: server,
        folder: folder,
        columns: columns,
        environment: environment,
        terminal: terminal
    )
}

func drover(
    _ arguments: [String],
    server: FakeServer? = nil,
    folder: String = "/nonexistent",
    columns: Int? = nil,
    environment: [String: String] = [:],
    terminal: TerminalPort = .none
) async -> Ended {
    let printed = Printed()
    var environment: [String: String] = environment
    if let server {
        environment["DROVER_URL"] = server.url
        environment["DROVER_ACCESS_KEY"] = environment["DROVER_ACCESS_KEY"] ?? "key"
        environment["DROVER_SECRET_KEY"] = "secret"
    }
    let code: Int32 = await DroverCommand.table(version: "1.2").run(
        arguments: arguments,
        environment: environment,
        directory: folder,
        console: printed.console(columns: columns, terminal: terminal),
        handlesInterrupts: false
    )
    return Ended(code: code, out: printed.out, error: printed.error)
}

/// A folder of its own with these files; removed afterwards.
func withFolder<Result>(
    _ files: [String: String],
    name: String = "app",
    _ body: (String) async throws -> Result
) async throws -> Result {
    try await withFolder { parent in
        let folder: String = "\(parent)/\(name)"
        try TextFile.makeFolder(folder)
        for (file, text) in files { try TextFile.replacePrivately("\(folder)/\(file)", with: text) }
        return try await body(folder)
    }
}

/// An environment in which the program keeps what it remembers in a folder of its own.
func withHome(_ body: ([String: String]) async throws -> Void) async throws {
    try await withFolder { home in try await body(["XDG_CONFIG_HOME": home]) }
}

func mode(of path: String) -> UInt32 {
    var status = stat()
    guard stat(path, &status) == 0 else { return 0 }
    return status.st_mode & 0o777
}
