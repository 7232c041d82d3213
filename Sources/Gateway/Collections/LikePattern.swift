/// An SQL LIKE pattern: `%` is any text, `_` any one character; upper and lower case are the same.
struct LikePattern: Sendable {
    private let pattern: [Unicode.Scalar]

    init(_ text: String) { pattern = Array(text.lowercased().unicodeScalars) }

    /// Linear in the text for each `%`: backtracks only to the last one.
    func matches(_ text: String) -> Bool {
        let characters: [Unicode.Scalar] = Array(text.lowercased().unicodeScalars)
        var position: Int = 0
        var place: Int = 0
        var star: Int?
        var resume: Int = 0
        while position < characters.count {
            if place < pattern.count, pattern[place] == "%" {
                star = place
                resume = position
                place += 1
            } else if place < pattern.count, pattern[place] == "_" || pattern[place] == characters[position] {
                place += 1
                position += 1
            } else if let last: Int = star {
                place = last + 1
                resume += 1
                position = resume
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "%" }
    }
}
