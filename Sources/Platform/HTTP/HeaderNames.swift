/// Names of header fields, looked for as bytes and without regard to case.
package struct HeaderNames: Sendable {
    /// In small letters, by their length.
    private let names: [[[UInt8]]]

    package init(_ names: [String]) {
        var byLength: [[[UInt8]]] = Array(repeating: [], count: (names.map(\.utf8.count).max() ?? 0) + 1)
        for name in names { byLength[name.utf8.count].append(name.utf8.map(CharacterClass.lowercased)) }
        self.names = byLength
    }

    /// Whether the name that stands there is one of them.
    func contains(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count < names.count else { return false }
        return names[range.count].contains { name in
            var index: Int = range.lowerBound
            for byte in name {
                guard CharacterClass.lowercased(bytes[index]) == byte else { return false }
                index += 1
            }
            return true
        }
    }
}
