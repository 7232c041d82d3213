/// Puts the values of variables where a text names them (contract O21).
///
/// Shape: `$NAME` and `${NAME}`; `$$` is a dollar sign. There are no forms with defaults.
enum Interpolation {
    struct Failure: Error, Equatable {
        var message: String
    }

    /// The text with values in place, and the names that have none (they become nothing).
    static func expand(
        _ text: String,
        _ value: (String) -> String?
    ) throws(Failure) -> (text: String, missing: [String]) {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return (text, []) }
        var out: String = ""
        var missing: [String] = []
        var rest: Substring = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            out += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                out += "$"
                rest = rest.dropFirst()
                continue
            }
            let braced: Bool = rest.first == "{"
            if braced { rest = rest.dropFirst() }
            let name: Substring = nameAtStart(of: rest)
            rest = rest.dropFirst(name.count)
            if braced {
                guard rest.first == "}", !name.isEmpty else { throw braceFailure(name, rest) }
                rest = rest.dropFirst()
            } else if name.isEmpty {
                throw Failure(message: "'$' must be followed by the name of a variable; write '$$' for a dollar sign")
            }
            if let found = value(String(name)) { out += found } else { missing.append(String(name)) }
        }
        return (out + rest, missing)
    }

    private static func nameAtStart(of text: Substring) -> Substring {
        guard let first = text.first, first.isASCII, first.isLetter || first == "_" else { return text.prefix(0) }
        return text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    private static func braceFailure(_ name: Substring, _ rest: Substring) -> Failure {
        if !name.isEmpty, let mark = rest.first, ":-?+".contains(mark) {
            return Failure(
                message: "'${\(name)\(mark)…}': defaults and conditions are not supported; write '${\(name)}' and set "
                    + "\(name) in the environment"
            )
        }
        return Failure(message: "'${' must be followed by the name of a variable and '}'; write '$$' for a dollar sign")
    }
}
