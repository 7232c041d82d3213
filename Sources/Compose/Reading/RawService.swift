internal import YAML

/// One key of a service as one file gives it, variables already in place.
struct Entry {
    var key: YAMLNode
    var value: YAMLNode
    var file: ComposeFile

    /// Where the key stands: for what is to be said about the key as a whole.
    var keyPlace: SourcePlace { place(of: key) }

    /// Where the value stands; the key's place for a value that no text stands behind.
    var valuePlace: SourcePlace { place(of: value) }

    func place(of node: YAMLNode) -> SourcePlace {
        let shown: YAMLNode = node.line > 0 ? node : key
        return SourcePlace(file: file.name, line: shown.line, column: shown.column)
    }
}

/// A service as the files give it: for each key what each file says, in the order of the files.
struct RawService {
    var name: String
    var place: SourcePlace
    private(set) var keys: [String] = []
    private var entries: [String: [Entry]] = [:]

    init(name: String, place: SourcePlace) {
        self.name = name
        self.place = place
    }

    mutating func add(_ entry: Entry, for key: String) {
        if entries[key] == nil { keys.append(key) }
        entries[key, default: []].append(entry)
    }

    /// What holds for a key: everything that was said when files add to each other, else the last word.
    ///
    /// The last word of a file that the key belongs into outweighs a later one of a file that it does not belong into.
    /// An empty value (`ports:`) says nothing.
    func entries(for rule: KeyRule) -> [Entry] {
        let said: [Entry] = (entries[rule.name] ?? []).filter { !$0.value.isNull }
        if case .adds = rule.merging { return said }
        let last: Entry? = said.last { !rule.isMisplaced(in: $0.file.role) } ?? said.last
        return last.map { [$0] } ?? []
    }

    func entries(for key: String) -> [Entry] {
        Vocabulary.service[key].map { entries(for: $0) } ?? []
    }

    func entry(for key: String) -> Entry? { entries(for: key).last }
}
