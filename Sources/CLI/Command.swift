/// One verb of the command line.
package struct Command: Sendable {
    enum Body: Sendable {
        case parsed(@Sendable (Invocation) async throws -> Int32)
        case raw(@Sendable (_ arguments: [String], _ environment: [String: String]) async -> Int32)
    }

    /// One word, or several: `context save`.
    package let name: String
    /// As the usage line shows them: `NAME…`.
    package let operands: String
    /// One line for the list of commands.
    package let summary: String
    /// Further paragraphs for its own help.
    package let details: String
    package let options: [OptionSpec]
    /// The first operand ends the options: what is behind it belongs to another program.
    let stopsAtOperand: Bool
    let body: Body

    /// A command whose options are parsed for it, the global ones among them.
    ///
    /// `run` returns the exit code, or throws: ``CommandFailure`` and errors of the client are printed and end with 1 or 2.
    package init(
        _ name: String,
        operands: String = "",
        summary: String,
        details: String = "",
        options: [OptionSpec] = [],
        stopsAtOperand: Bool = false,
        run: @escaping @Sendable (Invocation) async throws -> Int32
    ) {
        self.name = name
        self.operands = operands
        self.summary = summary
        self.details = details
        self.options = options
        self.stopsAtOperand = stopsAtOperand
        body = .parsed(run)
    }

    /// A command that parses its own arguments; global options given before the verb come first among them.
    ///
    /// `options` are for the help only. It handles its own interrupts.
    package static func raw(
        _ name: String,
        operands: String = "",
        summary: String,
        details: String = "",
        options: [OptionSpec] = [],
        run: @escaping @Sendable (_ arguments: [String], _ environment: [String: String]) async -> Int32
    ) -> Command {
        Command(name, operands, summary, details, options, .raw(run))
    }

    private init(
        _ name: String,
        _ operands: String,
        _ summary: String,
        _ details: String,
        _ options: [OptionSpec],
        _ body: Body
    ) {
        self.name = name
        self.operands = operands
        self.summary = summary
        self.details = details
        self.options = options
        stopsAtOperand = false
        self.body = body
    }

    var help: String {
        var text: String = "usage: drover \(name)"
        if !options.isEmpty { text += " [OPTION…]" }
        if !operands.isEmpty { text += " \(operands)" }
        text += "\n\n\(summary)\n"
        if !details.isEmpty { text += "\n\(details)\n" }
        if !options.isEmpty { text += "\noptions:\n" + Self.list(options) }
        if case .parsed = body { text += "\nfor every command:\n" + Self.list(OptionSpec.global) }
        return text
    }

    static func list(_ options: [OptionSpec]) -> String {
        let width: Int = options.map(\.title.count).max() ?? 0
        return options.map { "  \($0.title.padded(to: width))  \($0.help)\n" }.joined()
    }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
