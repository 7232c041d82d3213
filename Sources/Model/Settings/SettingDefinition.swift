/// A setting with a meaning.
package struct SettingDefinition: Hashable, Sendable {
    /// What its value must be.
    package enum Form: Hashable, Sendable {
        case text
        case boolean
        /// Whole, within the bounds.
        case number(ClosedRange<Int64>)
        case option([String])
        /// `http://` or `https://`, host and perhaps a port and path; or empty.
        case address
        /// `http://` or `https://` of somebody whom the servers call; or empty. The gateway reads it.
        case service
        /// A word that can stand in a cookie.
        case word
        /// Words with commas between them.
        case list
        /// JSON, or empty.
        case json
        /// The interceptors, which the gateway reads.
        case interceptors
        /// A file of the node's folder for logs, or `/dev/null`.
        case logFile
    }

    /// Dotted, lower-case first letter.
    package var name: String
    /// Its value while none is stored.
    package var defaultValue: String
    package var form: Form
    package var description: String
    /// Whether everybody who is logged in may read it, unless `settings.public` says otherwise.
    package var isPublic: Bool
    /// Kept for clients that ask for it; nothing in this version acts on it.
    package var isKept: Bool
    /// A password: never shown.
    package var isSecret: Bool

    package init(
        _ name: String,
        _ defaultValue: String,
        _ form: Form,
        _ description: String,
        isPublic: Bool = false,
        isKept: Bool = false,
        isSecret: Bool = false
    ) {
        self.name = name
        self.defaultValue = defaultValue
        self.form = form
        self.description = description
        self.isPublic = isPublic
        self.isKept = isKept
        self.isSecret = isSecret
    }

    /// What is wrong with a value, to stand behind the name; nil when nothing is, as far as it can be told here.
    package func fault(of value: String) -> String? {
        switch form {
        case .text, .interceptors, .json, .service: return nil
        case .boolean: return ["true", "false"].contains(value) ? nil : "must be true or false"
        case .number(let bounds):
            guard let number = Int64(value), bounds.contains(number), String(number) == value else {
                return "must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
            }
            return nil
        case .option(let options):
            return options.contains(value) ? nil : "must be one of: \(options.joined(separator: ", "))"
        case .address:
            return value.isEmpty || Self.isAddress(value) ? nil : "must look like https://drover.example.org:8080"
        case .word:
            return CharacterClass("a-zA-Z0-9._-").containsAll(of: value) && value.utf8.count <= 64
                ? nil : "has at most 64 letters, digits, dots, dashes and underscores"
        case .list:
            return CharacterClass("a-zA-Z0-9._, -").containsAll(of: value)
                ? nil : "must be words with commas between them"
        case .logFile:
            return value.isEmpty || value == "/dev/null" || Self.isFileName(value)
                ? nil
                : "must be /dev/null, or the plain name of a file, which is then in the folder logs of each node's data"
        }
    }

    /// What may stand in scripts and commands, where a quote or a line break would be a command.
    package static func isAddress(_ text: String) -> Bool {
        guard text.hasPrefix("http://") || text.hasPrefix("https://"), text.utf8.count <= 255 else { return false }
        return CharacterClass("a-zA-Z0-9:/._[]-").containsAll(of: text)
    }

    /// Whoever may change settings must not choose where on a node's disk something is written.
    package static func isFileName(_ text: String) -> Bool {
        CharacterClass("a-zA-Z0-9._-").containsAll(of: text) && text.first != "." && !text.isEmpty
            && text.utf8.count <= 64
    }
}
