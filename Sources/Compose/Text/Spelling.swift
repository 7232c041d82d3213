/// Finds what a misspelled word was probably meant to be.
package enum Spelling {
    /// The known word nearest to `word`, when it is near enough to be meant; of equals the first.
    package static func nearest(to word: String, among known: some Sequence<String>) -> String? {
        let letters: [UInt8] = Array(word.lowercased().utf8)
        guard letters.count <= 64 else { return nil }
        let allowed: Int = letters.count <= 3 ? 1 : letters.count <= 7 ? 2 : 3
        var best: (word: String, distance: Int)?
        for candidate in known where candidate != word {
            let other: [UInt8] = Array(candidate.lowercased().utf8)
            guard abs(other.count - letters.count) <= allowed else { continue }
            let distance: Int = distance(letters, other)
            if distance <= allowed, distance < (best?.distance ?? .max) { best = (candidate, distance) }
        }
        return best?.word
    }

    /// ` (did you mean 'x'?)`, or nothing.
    package static func hint(for word: String, among known: some Sequence<String>) -> String {
        nearest(to: word, among: known).map { " (did you mean '\($0)'?)" } ?? ""
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var before: [Int] = []
        var previous: [Int] = Array(0...right.count)
        for i in 1...left.count {
            var row: [Int] = [i] + [Int](repeating: 0, count: right.count)
            for j in 1...right.count {
                let change: Int = left[i - 1] == right[j - 1] ? 0 : 1
                row[j] = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + change)
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                    row[j] = min(row[j], before[j - 2] + 1)
                }
            }
            (before, previous) = (previous, row)
        }
        return previous[right.count]
    }
}
