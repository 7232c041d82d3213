internal import Compose
internal import Glibc

/// All verbs of the program: those of this room and those that the executable adds.
package struct CommandTable: Sendable {
    package let version: String
    package private(set) var commands: [Command] = []

    package init(version: String) {
        self.version = version
    }

    /// A later command takes the place of an earlier one of the same name.
    package mutating func add(_ command: Command) {
        commands.removeAll { $0.name == command.name }
        commands.append(command)
    }

    /// Runs a command line and returns the exit code: 0 done, 1 failed, 2 bad usage.
    ///
    /// `arguments` are without the program's name. With `handlesInterrupts` the first ctrl-C cancels the command in good
    /// order, and the second ends the process.
    package func run(
        arguments: [String],
        environment: [String: String],
        directory: String = CommandTable.currentDirectory,
        console: Console? = nil,
        handlesInterrupts: Bool = true
    ) async -> Int32 {
        let console: Console = console ?? .standard(environment)
        do throws(CommandFailure) {
            let before = try ParsedArguments(
                parsing: arguments,
                options: OptionSpec.global + [OptionSpec("version", "")],
                stopAtOperand: true
            )
            var words: [String] = before.operands
            if before.has("version") && words.isEmpty { words = ["version"] }
            let wantsHelp: Bool = before.has("help") || words.first == "help"
            if words.first == "help" { words.removeFirst() }
            guard let first: String = words.first else {
                if wantsHelp {
                    console.write(overview)
                    return 0
                }
                console.writeError(overview)
                return 2
            }
            guard let command: Command = command(for: words) else { throw unknown(first, words) }
            let rest = Array(words.dropFirst(command.name.split(separator: " ").count))
            if wantsHelp || Self.asksForHelp(rest, command) {
                console.write(command.help)
                return 0
            }
            let call = Call(
                table: self,
                command: command,
                before: before,
                rest: rest,
                globals: arguments.dropLast(words.count),
                environment: environment,
                directory: directory,
                console: console,
                handlesInterrupts: handlesInterrupts
            )
            return await call.run()
        } catch {
            console.fail(error.message)
            if error.exitCode == 2 { console.fail("'drover help' lists the commands") }
            return error.exitCode
        }
    }

    package static var currentDirectory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    private func command(for words: [String]) -> Command? {
        for count in [2, 1] where words.count >= count {
            let name: String = words[..<count].joined(separator: " ")
            if let command = commands.first(where: { $0.name == name }) { return command }
        }
        return nil
    }

    private func unknown(_ first: String, _ words: [String]) -> CommandFailure {
        let group: [String] = commands.map(\.name).filter { $0.hasPrefix("\(first) ") }
        if !group.isEmpty { return .usage("'drover \(first)' is followed by one of: \(Self.seconds(group))") }
        let names: [String] = commands.map { String($0.name.prefix { $0 != " " }) }
        return .usage("unknown command '\(first)'\(Spelling.hint(for: first, among: names))")
    }

    private static func seconds(_ names: [String]) -> String {
        names.map { $0.split(separator: " ").dropFirst().joined(separator: " ") }.joined(separator: ", ")
    }

    private static func asksForHelp(_ words: [String], _ command: Command) -> Bool {
        if command.stopsAtOperand {
            let options: [OptionSpec] = command.options + OptionSpec.global
            return (try? ParsedArguments(parsing: words, options: options, stopAtOperand: true))?.has("help") ?? false
        }
        return words.prefix { $0 != "--" }.contains { $0 == "--help" || $0 == "-h" }
    }

    private var overview: String {
        let width: Int = commands.map(\.name.count).max() ?? 0
        var text: String = "usage: drover [GLOBAL OPTION…] COMMAND [OPTION…] [OPERAND…]\n\ncommands:\n"
        for command in commands { text += "  \(command.name.padded(to: width))  \(command.summary)\n" }
        text += "\nglobal options:\n" + Command.list(OptionSpec.global)
        return text + "\n'drover COMMAND --help' says more about one command.\n"
    }
}

/// One call of one command.
private struct Call {
    let table: CommandTable
    let command: Command
    let before: ParsedArguments
    let rest: [String]
    let globals: ArraySlice<String>
    let environment: [String: String]
    let directory: String
    let console: Console
    let handlesInterrupts: Bool

    func run() async -> Int32 {
        switch command.body {
        case .raw(let run): return await run(globals + rest, environment)
        case .parsed(let run):
            do {
                let own = try ParsedArguments(
                    parsing: rest,
                    options: command.options + OptionSpec.global,
                    stopAtOperand: command.stopsAtOperand
                )
                let invocation = Invocation(
                    arguments: before.merging(own),
                    console: console,
                    environment: environment,
                    directory: directory,
                    version: table.version,
                    output: try OutputFormat.of(before.merging(own))
                )
                return try await interruptible { try await run(invocation) }
            } catch {
                return tell(error)
            }
        }
    }

    private func interruptible(_ body: @escaping @Sendable () async throws -> Int32) async throws -> Int32 {
        guard handlesInterrupts else { return try await body() }
        return try await Interrupts.cancelling(body)
    }

    private func tell(_ error: any Error) -> Int32 {
        switch error {
        case let failure as CommandFailure:
            if !failure.message.isEmpty { console.fail(failure.message) }
            if failure.exitCode == 2 { console.fail("'drover \(command.name) --help' says how it is used") }
            return failure.exitCode
        case is CancellationError: console.fail("interrupted")
        default: console.fail("\(error)")
        }
        return 1
    }
}
