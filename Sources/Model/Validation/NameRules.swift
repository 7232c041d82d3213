/// What names may look like beyond their characters and lengths.
package enum NameRules {
    /// A stack's or service's name becomes part of DNS names: 1 to 63 of letters, digits and `-`, no `-` at either end.
    package static func isDNSLabel(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && CharacterClass("a-zA-Z0-9-").containsAll(of: text)
            && text.first != "-" && text.last != "-"
    }
}
