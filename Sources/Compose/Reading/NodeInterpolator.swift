internal import YAML

/// Puts variables into the values of a tree; keys stay as they are.
struct NodeInterpolator {
    let variables: [String: String]
    let file: ComposeFile
    let diagnostics: Diagnostics

    func expand(_ node: YAMLNode) -> YAMLNode {
        switch node.kind {
        case .scalar(let text, let style, let tag):
            let place = SourcePlace(file: file.name, line: max(1, node.line), column: max(1, node.column))
            do throws(Interpolation.Failure) {
                let (expanded, missing) = try Interpolation.expand(text) { variables[$0] }
                for name in missing {
                    diagnostics.warn(place, "the variable '\(name)' is not set: nothing is put in its place")
                }
                return YAMLNode(.scalar(expanded, style: style, tag: tag), line: node.line, column: node.column)
            } catch {
                diagnostics.fail(place, error.message)
                return node
            }
        case .sequence(let elements):
            return YAMLNode(.sequence(elements.map(expand)), line: node.line, column: node.column)
        case .mapping(let members):
            let expanded: [(key: YAMLNode, value: YAMLNode)] = members.map { (key: $0.key, value: expand($0.value)) }
            return YAMLNode(.mapping(expanded), line: node.line, column: node.column)
        }
    }
}
