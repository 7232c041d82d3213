/// Where something stands in a file.
package struct SourcePlace: Hashable, Sendable {
    package var file: String
    /// From 1.
    package var line: Int
    /// In characters, from 1.
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// Something that a person should know about a compose file, with its place.
///
/// A warning says what happens instead; an error says why nothing is deployed.
package struct ComposeDiagnostic: Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Sendable {
        case warning, error
    }

    package var severity: Severity
    package var place: SourcePlace
    package var message: String

    package init(_ severity: Severity, _ place: SourcePlace, _ message: String) {
        self.severity = severity
        self.place = place
        self.message = message
    }

    /// `file:line: warning: …` or `file:line:column: error: …`.
    package var description: String {
        let column: String = severity == .error ? ":\(place.column)" : ""
        return "\(place.file):\(place.line)\(column): \(severity.rawValue): \(message)"
    }
}

/// Collects what is found while one project is read; each finding once.
final class Diagnostics {
    private(set) var all: [ComposeDiagnostic] = []
    private var seen: Set<ComposeDiagnostic> = []

    func warn(_ place: SourcePlace, _ message: String) { add(ComposeDiagnostic(.warning, place, message)) }

    func fail(_ place: SourcePlace, _ message: String) { add(ComposeDiagnostic(.error, place, message)) }

    private func add(_ diagnostic: ComposeDiagnostic) {
        if seen.insert(diagnostic).inserted { all.append(diagnostic) }
    }
}
