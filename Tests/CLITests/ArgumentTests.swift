import Testing

@testable import CLI

struct ArgumentTests {
    static let options: [OptionSpec] = [
        OptionSpec("detach", short: "d", ""), OptionSpec("file", short: "f", value: "FILE", ""),
        OptionSpec("tail", value: "N", ""), OptionSpec("time", short: "t", ""),
    ]

    private func parse(_ words: String...) throws(CommandFailure) -> ParsedArguments {
        try ParsedArguments(parsing: words, options: Self.options)
    }

    @Test func `options may stand anywhere and in every form`() throws {
        let all = try parse(
            "web",
            "-dt",
            "--file",
            "a",
            "-fb",
            "-f",
            "c",
            "--file=d=e",
            "--tail",
            "5",
            "db",
            "--",
            "-d",
            "--x"
        )
        #expect(all.has("detach") && all.has("time"))
        #expect(all.values("file") == ["a", "b", "c", "d=e"])
        #expect(all.value("file") == "d=e")
        #expect(try all.count("tail") == 5)
        #expect(all.operands == ["web", "db", "-d", "--x"])
        #expect(try parse("-").operands == ["-"])
    }

    static let refused: [([String], String)] = [
        (["--fiel", "a"], "unknown option '--fiel' (did you mean '--file'?)"), (["-x"], "unknown option '-x'"),
        (["--file"], "--file wants a value: --file FILE"), (["-f"], "--file wants a value: --file FILE"),
        (["--detach=yes"], "--detach takes no value"), (["-detach"], "unknown option '-e'"),
    ]

    @Test(arguments: refused)
    func `what is not understood is refused with a hint`(words: [String], message: String) {
        #expect(throws: CommandFailure.usage(message)) {
            _ = try ParsedArguments(parsing: words, options: Self.options)
        }
    }

    @Test func `numbers must be numbers`() {
        for text in ["-1", "x", "1.5", ""] {
            #expect(throws: CommandFailure.self) {
                let arguments: ParsedArguments = try self.parse("--tail=\(text)")
                _ = try arguments.count("tail")
            }
        }
    }

    @Test func `every command explains itself`() async {
        for command in DroverCommand.table(version: "1").commands {
            let words: [String] = command.name.split(separator: " ").map(String.init) + ["--help"]
            let printed = Printed()
            let code: Int32 = await DroverCommand.table(version: "1").run(
                arguments: words,
                environment: [:],
                console: printed.console(),
                handlesInterrupts: false
            )
            #expect(code == 0)
            #expect(printed.out.hasPrefix("usage: drover \(command.name)"))
            for option in command.options { #expect(printed.out.contains("--\(option.name)")) }
        }
    }

    @Test func `the list of commands has them all`() async {
        let help: Ended = await drover("help")
        #expect(help.code == 0)
        for command in DroverCommand.table(version: "1").commands { #expect(help.out.contains("  \(command.name) ")) }
        let nothing: Ended = await drover()
        #expect(nothing.code == 2 && nothing.out.isEmpty && nothing.error.contains("commands:"))
        #expect(await drover("--version").out == "drover 1.2\n")
    }

    @Test func `unknown verbs and options are bad usage`() async {
        let verb: Ended = await drover("stakcs")
        #expect(verb.code == 2 && verb.error.contains("unknown command 'stakcs' (did you mean 'stacks'?)"))
        let option: Ended = await drover("logs", "--folow", "web")
        #expect(option.code == 2 && option.error.contains("(did you mean '--follow'?)"))
        #expect(option.error.contains("'drover logs --help'"))
        #expect(await drover("--output", "xml", "stacks").code == 2)
        #expect(await drover("rm").code == 2)
        #expect(await drover("scale", "web").code == 2)
    }

    @Test func `other rooms add commands that parse for themselves`() async {
        var table: CommandTable = DroverCommand.table(version: "1")
        table.add(
            .raw("server init", summary: "x") { arguments, environment in
                Int32(arguments.count * 10 + environment.count)
            }
        )
        let printed = Printed()
        let code: Int32 = await table.run(
            arguments: ["--url", "u", "server", "init", "--data", "d"],
            environment: ["A": "b"],
            console: printed.console()
        )
        #expect(code == 41)
        let group: Int32 = await table.run(arguments: ["server"], environment: [:], console: printed.console())
        #expect(group == 2 && printed.error.contains("'drover server' is followed by one of: init"))
    }
}
