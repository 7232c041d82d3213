/// A set of characters as schemas write it: single characters and ranges, such as `a-zA-Z0-9-`.
package struct CharacterClass: Hashable, Sendable {
    private var ranges: [ClosedRange<Unicode.Scalar>] = []

    /// A `-` that is first, last, or has no ascending range around it stands for itself.
    package init(_ text: String) {
        let scalars: [Unicode.Scalar] = Array(text.unicodeScalars)
        var position: Int = 0
        while position < scalars.count {
            let low: Unicode.Scalar = scalars[position]
            if position + 2 < scalars.count, scalars[position + 1] == "-", low <= scalars[position + 2] {
                ranges.append(low...scalars[position + 2])
                position += 3
            } else {
                ranges.append(low...low)
                position += 1
            }
        }
    }

    package func contains(_ scalar: Unicode.Scalar) -> Bool { ranges.contains { $0.contains(scalar) } }

    /// Whether every character of the text is in the set.
    package func containsAll(of text: String) -> Bool { text.unicodeScalars.allSatisfy(contains) }
}
