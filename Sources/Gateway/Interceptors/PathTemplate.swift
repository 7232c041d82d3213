import Limits

/// Which paths an interceptor or a destination is for: `/v2-beta/projects/{project}/{rest:.*}`.
///
/// `{name}` is one segment, `{name:expression}` whatever the expression says, slashes included (contract A20). The whole path
/// must fit, upper and lower case differ, and the query is not looked at.
struct PathTemplate: Hashable, Sendable {
    /// As it was written.
    let text: String
    private let prefix: [UInt8]
    private let matcher: PathMatcher
    private let isLiteral: Bool

    /// - Throws: ``PathFault`` saying what is wrong.
    init(_ text: String) throws(PathFault) {
        guard text.utf8.first == UInt8(ascii: "/") else { throw PathFault("a path begins with /") }
        guard text.utf8.count <= Limits.pathTemplateBytes else {
            throw PathFault("it is longer than \(Limits.pathTemplateBytes) bytes")
        }
        self.text = text
        var parts: [PathExpression] = []
        var names: Set<String> = []
        var rest: Substring = text[...]
        while let open: Substring.Index = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[open] == "{" else { throw PathFault("there is a } without its {") }
            parts.append(.literal(rest[..<open]))
            guard let close: Substring.Index = Self.end(of: rest[open...]) else { throw PathFault("a { has no }") }
            let (name, expression): (String, PathExpression) = try Self.variable(
                rest[rest.index(after: open)..<close]
            )
            guard names.insert(name).inserted else { throw PathFault("the name \(name) stands twice in it") }
            parts.append(expression)
            rest = rest[rest.index(after: close)...]
        }
        parts.append(.literal(rest))
        matcher = try PathMatcher(.sequence(parts))
        isLiteral = names.isEmpty
        prefix = Array(text.utf8.prefix { $0 != UInt8(ascii: "{") })
    }

    func matches(_ path: String) -> Bool {
        if isLiteral { return path == text }
        guard path.utf8.starts(with: prefix) else { return false }
        return matcher.matches(path.utf8)
    }

    /// The brace that ends the one at the beginning: counts inside an expression have braces of their own.
    private static func end(of text: Substring) -> Substring.Index? {
        var depth: Int = 0
        for index in text.indices {
            if text[index] == "{" { depth += 1 }
            if text[index] == "}" {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    private static func variable(_ text: Substring) throws(PathFault) -> (String, PathExpression) {
        let colon: Substring.Index? = text.firstIndex(of: ":")
        let name = String(text[..<(colon ?? text.endIndex)])
        guard !name.isEmpty else { throw PathFault("{} needs a name: {name} or {name:expression}") }
        guard let colon else {
            return (name, .repeated(.one(ByteSet(UInt8(ascii: "/")...UInt8(ascii: "/")).inverted), low: 1, high: nil))
        }
        let expression = String(text[text.index(after: colon)...])
        guard !expression.isEmpty else { throw PathFault("{\(name):} has no expression") }
        do throws(PathFault) {
            return (name, try PathExpressionReader.read(expression))
        } catch {
            throw PathFault("{\(text)}: \(error.reason)")
        }
    }

    static func == (left: PathTemplate, right: PathTemplate) -> Bool { left.text == right.text }
    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
