/// A YAML value with the place where it was written.
///
/// Keys of a mapping are scalars, each stands once, aliases and merge keys are already followed. A node that an
/// alias brought keeps the place of its anchor, because there is the text that a person would correct.
package struct YAMLNode: Sendable {
    package indirect enum Kind: Sendable {
        case scalar(String, style: ScalarStyle, tag: String?)
        case sequence([YAMLNode])
        /// In the order of the document.
        case mapping([(key: YAMLNode, value: YAMLNode)])
    }

    package enum ScalarStyle: Sendable {
        case plain
        /// In single or double quotes, or as a block (`|`, `>`).
        case quoted
    }

    package var kind: Kind
    /// From 1; 0 for a node that no text stands behind.
    package var line: Int
    /// In characters, from 1; 0 for a node that no text stands behind.
    package var column: Int

    package init(_ kind: Kind, line: Int = 0, column: Int = 0) {
        self.kind = kind
        self.line = line
        self.column = column
    }
}

extension YAMLNode {
    package static let null = YAMLNode(.scalar("null", style: .plain, tag: nil))

    package static func string(_ text: String) -> YAMLNode {
        YAMLNode(.scalar(text, style: .quoted, tag: nil))
    }

    package static func int(_ value: Int64) -> YAMLNode {
        YAMLNode(.scalar(String(value), style: .plain, tag: nil))
    }

    package static func bool(_ value: Bool) -> YAMLNode {
        YAMLNode(.scalar(value ? "true" : "false", style: .plain, tag: nil))
    }

    package static func double(_ value: Double) -> YAMLNode {
        let text: String = value.isNaN ? ".nan" : value.isInfinite ? (value < 0 ? "-.inf" : ".inf") : value.description
        return YAMLNode(.scalar(text, style: .plain, tag: nil))
    }

    package static func sequence(_ elements: [YAMLNode]) -> YAMLNode { YAMLNode(.sequence(elements)) }

    package static func mapping(_ members: [(key: String, value: YAMLNode)]) -> YAMLNode {
        YAMLNode(.mapping(members.map { (key: .string($0.key), value: $0.value) }))
    }
}

extension YAMLNode {
    package var sequence: [YAMLNode]? {
        if case .sequence(let elements) = kind { elements } else { nil }
    }

    package var mapping: [(key: YAMLNode, value: YAMLNode)]? {
        if case .mapping(let members) = kind { members } else { nil }
    }

    /// The member of a mapping; nil when this is no mapping or has no such key.
    package subscript(key: String) -> YAMLNode? {
        guard case .mapping(let members) = kind else { return nil }
        return members.first { $0.key.text == key }?.value
    }

    /// Whether both hold the same values in the same order, wherever and in whatever style they were written.
    package func hasSameContent(as other: YAMLNode) -> Bool {
        switch (kind, other.kind) {
        case (.scalar, .scalar):
            if case .double(let left) = resolved, case .double(let right) = other.resolved, left.isNaN, right.isNaN {
                return true
            }
            return resolved == other.resolved
        case (.sequence(let left), .sequence(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.hasSameContent(as: $1) }
        case (.mapping(let left), .mapping(let right)):
            return left.count == right.count
                && zip(left, right).allSatisfy {
                    $0.key.hasSameContent(as: $1.key) && $0.value.hasSameContent(as: $1.value)
                }
        default: return false
        }
    }
}
