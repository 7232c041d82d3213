internal import Compose

/// The options and operands of a command line.
package struct ParsedArguments: Sendable {
    private var values: [String: [String]] = [:]
    package private(set) var operands: [String] = []

    package init() {}

    /// Whether the option was given.
    package func has(_ name: String) -> Bool { values[name] != nil }

    /// The value that was given last.
    package func value(_ name: String) -> String? { values[name]?.last }

    package func values(_ name: String) -> [String] { values[name] ?? [] }

    /// The value as a whole number that is not negative.
    package func count(_ name: String) throws(CommandFailure) -> Int? {
        guard let text: String = value(name) else { return nil }
        guard let number = Int(text), number >= 0 else {
            throw .usage("--\(name) wants a whole number that is not negative, not '\(text)'")
        }
        return number
    }

    /// The values of `other` stand behind those of this; its operands take the place.
    func merging(_ other: ParsedArguments) -> ParsedArguments {
        var merged: ParsedArguments = other
        for (name, earlier) in values { merged.values[name] = earlier + (other.values[name] ?? []) }
        return merged
    }

    /// Reads options anywhere among operands; `--` ends the options.
    ///
    /// Shape: `--name`, `--name value`, `--name=value`, `-n value`, `-nvalue`, flags together as `-dt`.
    /// With `stopAtOperand` the first operand and all behind it are operands.
    package init(
        parsing arguments: [String],
        options: [OptionSpec],
        stopAtOperand: Bool = false
    ) throws(CommandFailure) {
        var rest: ArraySlice<String> = arguments[...]
        while let word: String = rest.popFirst() {
            if word == "--" {
                operands += rest
                break
            } else if word.hasPrefix("--") {
                try takeLong(word.dropFirst(2), options, &rest)
            } else if word.hasPrefix("-"), word.count > 1 {
                try takeShort(word.dropFirst(), options, &rest)
            } else {
                operands.append(word)
                if stopAtOperand {
                    operands += rest
                    break
                }
            }
        }
    }

    private mutating func takeLong(
        _ word: Substring,
        _ options: [OptionSpec],
        _ rest: inout ArraySlice<String>
    ) throws(CommandFailure) {
        let parts: [Substring] = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option: OptionSpec = options.first(where: { $0.name == name }) else {
            throw .usage("unknown option '--\(name)'\(Self.hint(name, options))")
        }
        if option.value == nil {
            guard parts.count == 1 else { throw .usage("--\(name) takes no value") }
            values[name, default: []].append("")
        } else if parts.count > 1 {
            values[name, default: []].append(String(parts[1]))
        } else {
            values[name, default: []].append(try Self.next(for: option, &rest))
        }
    }

    private mutating func takeShort(
        _ word: Substring,
        _ options: [OptionSpec],
        _ rest: inout ArraySlice<String>
    ) throws(CommandFailure) {
        var letters: Substring = word
        while let letter: Character = letters.popFirst() {
            guard let option: OptionSpec = options.first(where: { $0.short == letter }) else {
                throw .usage("unknown option '-\(letter)'\(Self.hint(String(word), options))")
            }
            guard option.value != nil else {
                values[option.name, default: []].append("")
                continue
            }
            let value: String = letters.isEmpty ? try Self.next(for: option, &rest) : String(letters)
            values[option.name, default: []].append(value)
            return
        }
    }

    private static func next(
        for option: OptionSpec,
        _ rest: inout ArraySlice<String>
    ) throws(CommandFailure) -> String {
        guard let value: String = rest.popFirst() else {
            throw .usage("--\(option.name) wants a value: --\(option.name) \(option.value ?? "VALUE")")
        }
        return value
    }

    private static func hint(_ name: String, _ options: [OptionSpec]) -> String {
        Spelling.nearest(to: name, among: options.map(\.name)).map { " (did you mean '--\($0)'?)" } ?? ""
    }
}
