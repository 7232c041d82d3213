/// What a field demands of a text: options, length, characters, and rules of its own.
enum TextRules {
    /// The text in its stored form.
    static func checked(_ text: String, _ field: FieldDefinition) throws(ValidationProblem) -> String {
        let name: String = field.name
        if let options: [String] = field.options, !options.contains(text) {
            throw ValidationProblem(
                .invalidOption,
                name,
                "\(name) must be one of \(options.joined(separator: ", "))"
            )
        }
        if field.minLength != nil || field.maxLength != nil {
            let length: Int = text.utf16.count
            if let least: Int = field.minLength, length < least {
                throw ValidationProblem(.minLengthExceeded, name, "\(name) must have at least \(least) characters")
            }
            if let most: Int = field.maxLength, length > most {
                throw ValidationProblem(.maxLengthExceeded, name, "\(name) must have at most \(most) characters")
            }
        }
        if let valid: String = field.validChars, !CharacterClass(valid).containsAll(of: text) {
            throw ValidationProblem(.invalidCharacters, name, "\(name) may have only the characters \(valid)")
        }
        if let invalid: String = field.invalidChars, !text.isEmpty, CharacterClass(invalid).containsAll(of: text) {
            throw ValidationProblem(.invalidCharacters, name, "\(name) must not consist of \(invalid) alone")
        }
        switch field.rule {
        case nil: return text
        case .dnsLabel?:
            guard NameRules.isDNSLabel(text) else {
                throw ValidationProblem(.invalidCharacters, name, "\(name) must not begin or end with -")
            }
            return text
        case .image?:
            // A colon alone is no scheme: `nginx:1.2` and `registry:5000/app` have one, too.
            return text.hasPrefix("docker:") || text.hasPrefix("sim:") ? text : "docker:\(text)"
        case .portSpec?:
            do {
                return try PortSpec(parsing: text).description
            } catch {
                throw ValidationProblem(
                    ValidationCode(error),
                    name,
                    "\"\(text)\" is not a port such as 8080:80/tcp or 10.0.0.1:53:53/udp"
                )
            }
        }
    }
}
