/// Why a command line cannot be split.
struct ShellWordsError: Error, Equatable {
    var message: String
}

/// Splits a command line into words as a shell does, without expanding anything.
///
/// Shape: words are parted by blanks; `'…'` is literal; in `"…"` a backslash escapes `"`, `\`, `$`, a backtick and a line
/// end; elsewhere it escapes any character.
enum ShellWords {
    static func split(_ line: String) throws(ShellWordsError) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var characters = line.makeIterator()
        while let character = characters.next() {
            switch (quote, character) {
            case ("'", "'"), ("\"", "\""): quote = nil
            case ("'", _): word?.append(character)
            case ("\"", "\\"):
                guard let next = characters.next() else { throw ShellWordsError(message: "ends in a backslash") }
                if next == "\n" { continue }
                if !"\"\\$`".contains(next) { word?.append("\\") }
                word?.append(next)
            case ("\"", _): word?.append(character)
            case (_, "'"), (_, "\""):
                quote = character
                word = word ?? ""
            case (_, "\\"):
                guard let next = characters.next() else { throw ShellWordsError(message: "ends in a backslash") }
                if next != "\n" { word = (word ?? "") + String(next) }
            case (_, " "), (_, "\t"), (_, "\n"), (_, "\r\n"), (_, "\r"):
                if let done = word { words.append(done) }
                word = nil
            default: word = (word ?? "") + String(character)
            }
        }
        if let quote { throw ShellWordsError(message: "has a \(quote) that is never closed") }
        if let done = word { words.append(done) }
        return words
    }
}
