import Limits

/// Builds the tree from events: follows aliases, merges, and refuses what is ambiguous or too large.
struct YAMLComposer: ~Copyable {
    /// A finished node that aliases may name.
    private struct Anchor {
        var node: YAMLNode
        /// Nodes in it, itself included.
        var size: Int
        /// Levels of sequences and mappings in it.
        var height: Int
    }

    /// What was built for one event.
    private struct Built {
        var node: YAMLNode
        var size: Int
        var height: Int
    }

    private let events: YAMLEvents
    private let file: String
    private var anchors: [String: Anchor] = [:]
    /// Anchors of nodes that are not finished: an alias to one of them would have no end.
    private var open: Set<String> = []
    private var nodes: Int = 0

    init(events: consuming YAMLEvents, file: String) {
        self.events = events
        self.file = file
    }

    mutating func document() throws(YAMLError) -> YAMLNode {
        _ = try events.next()  // the start of the stream
        let start: YAMLEvent = try events.next()
        guard case .documentStart = start.kind else {
            return YAMLNode(.scalar("", style: .plain, tag: nil), line: 1, column: 1)
        }
        let root: Built = try node(try events.next(), depth: 0)
        _ = try events.next()  // the end of the document
        let after: YAMLEvent = try events.next()
        guard case .streamEnd = after.kind else {
            throw error("a second document starts here; put each document into a file of its own", after)
        }
        return root.node
    }

    private mutating func node(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> Built {
        switch event.kind {
        case .scalar(let text, let style, let tag, let anchor):
            try count(1, event)
            let node = YAMLNode(.scalar(text, style: style, tag: tag), line: event.line, column: event.column)
            return finish(Built(node: node, size: 1, height: 0), anchor)
        case .alias(let name): return try alias(name, event, depth: depth)
        case .sequenceStart(let anchor): return try sequence(event, anchor, depth: depth)
        case .mappingStart(let anchor): return try mapping(event, anchor, depth: depth)
        default: throw error("expected a value", event)
        }
    }

    private mutating func alias(_ name: String, _ event: YAMLEvent, depth: Int) throws(YAMLError) -> Built {
        guard !open.contains(name) else { throw error("the alias *\(name) stands inside its own anchor", event) }
        guard let anchor: Anchor = anchors[name] else {
            throw error("no anchor &\(name) stands before this alias", event)
        }
        try count(anchor.size, event)
        try check(depth: depth + anchor.height, event)
        return Built(node: anchor.node, size: anchor.size, height: anchor.height)
    }

    private mutating func sequence(_ start: YAMLEvent, _ anchor: String?, depth: Int) throws(YAMLError) -> Built {
        try begin(start, anchor, depth: depth)
        var elements: [YAMLNode] = []
        var size: Int = 1
        var height: Int = 0
        while true {
            let event: YAMLEvent = try events.next()
            if case .sequenceEnd = event.kind { break }
            let element: Built = try node(event, depth: depth + 1)
            elements.append(element.node)
            size += element.size
            height = max(height, element.height)
        }
        let node = YAMLNode(.sequence(elements), line: start.line, column: start.column)
        return finish(Built(node: node, size: size, height: height + 1), anchor)
    }

    private mutating func mapping(_ start: YAMLEvent, _ anchor: String?, depth: Int) throws(YAMLError) -> Built {
        try begin(start, anchor, depth: depth)
        var members: [(key: YAMLNode, value: YAMLNode)] = []
        var merges: [YAMLNode] = []
        var lines: [String: Int] = [:]
        var size: Int = 1
        var height: Int = 0
        while true {
            let event: YAMLEvent = try events.next()
            if case .mappingEnd = event.kind { break }
            let key: Built = try node(event, depth: depth + 1)
            guard case .scalar(let name, let style, let tag) = key.node.kind else {
                throw error("a mapping key must be a single value, not a sequence or mapping", event)
            }
            if let line: Int = lines.updateValue(event.line, forKey: name) {
                throw error("the key \"\(name)\" stands twice; first on line \(line)", event)
            }
            let value: Built = try node(try events.next(), depth: depth + 1)
            size += key.size + value.size
            height = max(height, value.height)
            if name == "<<", style == .plain, tag == nil || tag == "tag:yaml.org,2002:merge" {
                merges = try sources(value.node, event)
            } else {
                members.append((key: key.node, value: value.node))
            }
        }
        if !merges.isEmpty { members = merged(merges, members) }
        let node = YAMLNode(.mapping(members), line: start.line, column: start.column)
        return finish(Built(node: node, size: size, height: height + 1), anchor)
    }

    /// The mappings that a merge key names.
    private func sources(_ value: YAMLNode, _ key: YAMLEvent) throws(YAMLError) -> [YAMLNode] {
        let sources: [YAMLNode] = value.sequence ?? [value]
        guard sources.allSatisfy({ $0.mapping != nil }) else {
            throw error("the merge key << wants a mapping or a sequence of mappings", key)
        }
        return sources
    }

    /// Own members win over merged ones, earlier sources over later ones.
    private func merged(
        _ sources: [YAMLNode],
        _ own: [(key: YAMLNode, value: YAMLNode)]
    ) -> [(key: YAMLNode, value: YAMLNode)] {
        var taken: Set<String> = Set(own.compactMap(\.key.text))
        var members: [(key: YAMLNode, value: YAMLNode)] = []
        for source in sources {
            for member in source.mapping ?? [] where taken.insert(member.key.text ?? "").inserted {
                members.append(member)
            }
        }
        return members + own
    }

    private mutating func begin(_ event: YAMLEvent, _ anchor: String?, depth: Int) throws(YAMLError) {
        try count(1, event)
        try check(depth: depth + 1, event)
        guard let anchor else { return }
        anchors[anchor] = nil
        open.insert(anchor)
    }

    private mutating func finish(_ built: Built, _ anchor: String?) -> Built {
        guard let anchor else { return built }
        open.remove(anchor)
        anchors[anchor] = Anchor(node: built.node, size: built.size, height: built.height)
        return built
    }

    private mutating func count(_ more: Int, _ event: YAMLEvent) throws(YAMLError) {
        nodes += more
        guard nodes <= Limits.yamlNodes else {
            throw error("with its aliases followed the document has more than \(Limits.yamlNodes) nodes", event)
        }
    }

    private func check(depth: Int, _ event: YAMLEvent) throws(YAMLError) {
        guard depth <= Limits.yamlDepth else { throw error("nested deeper than \(Limits.yamlDepth) levels", event) }
    }

    private func error(_ message: String, _ event: YAMLEvent) -> YAMLError {
        YAMLError(file: file, line: event.line, column: event.column, message: message)
    }
}
