/// A shell of a few words, as a value: input in, output out, a code at the end.
struct SimulatedShell: Sendable {
    /// What waits for input, or never ends.
    private enum Foreground: Sendable, Hashable {
        case none, cat, lines, yes, sleep
    }

    private static let newline: UInt8 = 0x0A
    /// Control-D: the end of a terminal's input.
    private static let endOfFile: UInt8 = 0x04
    /// Control-C.
    private static let interrupt: UInt8 = 0x03

    /// Of the terminal.
    var size: (columns: Int, rows: Int)
    /// nil while it runs.
    private(set) var code: Int32?
    private let command: [String]
    private let environment: [String: String]
    private let isTerminal: Bool
    private var foreground: Foreground = .none
    private var line: [UInt8] = []
    private var readsLines: Bool = false
    private var pending: ArraySlice<[String]> = []
    private var last: Int32 = 0
    private var output: [(isError: Bool, bytes: [UInt8])] = []

    init(_ request: ExecRequest, environment: [String: String]) {
        command = request.command
        self.environment = environment
        isTerminal = request.isTerminal
        size = (request.columns ?? 80, request.rows ?? 24)
    }

    mutating func start() {
        if command.first == "sh", command.count == 1 {
            readsLines = true
        } else if command.first == "sh", command.count >= 3, command[1] == "-c" {
            pending = Self.commands(command[2])[...]
        } else {
            pending = [command]
        }
        run()
    }

    mutating func input(_ bytes: [UInt8]) {
        guard code == nil else { return }
        for byte in bytes {
            switch byte {
            case Self.interrupt where isTerminal: stop(130)
            case Self.endOfFile where isTerminal: endOfInput()
            default:
                line.append(byte)
                if byte == Self.newline { lineIsComplete() }
            }
            if code != nil { return }
        }
        // Only a terminal keeps a line until it is complete.
        if foreground == .cat, !isTerminal { passOn() }
    }

    mutating func endOfInput() {
        if foreground == .cat {
            passOn()
            foreground = .none
            run()
        } else if readsLines, foreground == .none, code == nil {
            finish(last)
        }
    }

    mutating func takeOutput() -> [(isError: Bool, bytes: [UInt8])] {
        defer { output = [] }
        return output
    }

    /// For what writes without end: a little more.
    mutating func goOn() {
        guard foreground == .yes, code == nil else { return }
        output.append((false, Array(repeatElement([0x79, Self.newline], count: 2_048).joined())))
    }

    // MARK: What it hides

    private mutating func lineIsComplete() {
        if foreground == .cat {
            passOn()
        } else if readsLines, foreground == .none {
            let text = String(decoding: line.dropLast(), as: UTF8.self)
            line = []
            pending = Self.commands(text)[...]
            run()
        }
    }

    private mutating func passOn() {
        guard !line.isEmpty else { return }
        output.append((false, line))
        line = []
    }

    private mutating func stop(_ code: Int32) {
        line = []
        guard readsLines else { return finish(code) }
        foreground = .none
        pending = []
        last = code
    }

    private mutating func finish(_ code: Int32) {
        foreground = .none
        self.code = code
    }

    private mutating func run() {
        while code == nil, foreground == .none, let words: [String] = pending.popFirst() { perform(words) }
        if code == nil, foreground == .none, !readsLines { finish(last) }
    }

    private mutating func perform(_ words: [String]) {
        last = 0
        let arguments: [String] = Array(words.dropFirst())
        switch words.first ?? "" {
        case "": return
        case "true": return
        case "false": last = 1
        case "exit": finish(arguments.first.flatMap { Int32($0) } ?? 0)
        case "echo": say(arguments)
        case "cat": foreground = .cat
        case "yes": foreground = .yes
        case "sleep": foreground = .sleep
        case "stty" where arguments == ["size"] && isTerminal: say(["\(size.rows)", "\(size.columns)"])
        case "stty": complain("stty: standard input is no terminal", 1)
        case "printenv":
            for name in environment.keys.sorted() {
                output.append((false, Array("\(name)=\(environment[name] ?? "")\n".utf8)))
            }
        case let other: complain("\(other): executable file not found in a simulated container", 127)
        }
    }

    /// `>&2` sends it to standard error.
    private mutating func say(_ words: [String]) {
        let isError: Bool = words.last == ">&2"
        let text: String = (isError ? Array(words.dropLast()) : words).joined(separator: " ")
        output.append((isError, Array((text + "\n").utf8)))
    }

    private mutating func complain(_ text: String, _ code: Int32) {
        output.append((true, Array((text + "\n").utf8)))
        last = code
    }

    private static func commands(_ text: String) -> [[String]] {
        text.split(separator: ";").map { $0.split(separator: " ").map { String($0) } }
    }
}
