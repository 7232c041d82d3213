internal import JSON

/// Why a request to the API did not do what it was to do.
enum APIFault: Error, CustomStringConvertible {
    /// The server said no.
    case refused(Refusal)
    /// There was no answer.
    ///
    /// `unknown` is a request that changes something and was perhaps carried out.
    case unreachable(server: String, cause: String, nobodyListens: Bool, unknown: String? = nil)
    /// It does not prove to be the server that was asked for.
    case untrusted(server: String, cause: String, advice: String)
    /// Something answers, but it is not this API.
    case notTheAPI(server: String, cause: String)

    /// An error document of the API.
    struct Refusal {
        var request: String
        var status: Int
        var code: String
        var message: String?
        var detail: String?
        var fieldName: String?
        /// For 401: which key was refused.
        var credentials: String
    }

    var description: String {
        switch self {
        case .unreachable(let server, let cause, _, let unknown?):
            "no answer from \(server): \(cause); whether \(unknown) was carried out is not known: look before you repeat it, "
                + "for example with 'drover ps'"
        case .unreachable(let server, let cause, let nobodyListens, nil):
            nobodyListens
                ? "no server answers at \(server) (\(cause)); start one with 'drover dev', or name another with --url"
                : "no answer from \(server): \(cause)"
        case .untrusted(let server, let cause, let advice): "\(server) is not trusted: \(cause); \(advice)"
        case .notTheAPI(let server, let cause): "\(server) does not speak the Drover API: \(cause)"
        case .refused(let refusal): refusal.sentence
        }
    }

    /// Whether the same request may go well a little later.
    var isTransient: Bool {
        switch self {
        case .unreachable: true
        case .notTheAPI, .untrusted: false
        case .refused(let refusal): [429, 502, 503, 504].contains(refusal.status)
        }
    }

    var status: Int? {
        if case .refused(let refusal) = self { refusal.status } else { nil }
    }
}

extension APIFault.Refusal {
    init(_ document: JSONValue?, status: Int, request: String, credentials: String) {
        self.request = request
        self.status = status
        self.credentials = credentials
        code = document?["code"]?.string ?? ""
        message = document?["message"]?.string
        detail = document?["detail"]?.string
        fieldName = document?["fieldName"]?.string
    }

    var sentence: String {
        if status == 401 { return "\(credentials) was refused (401)\(reason.isEmpty ? "" : ": \(reason)")" }
        var text: String = reason.isEmpty ? "the server refused \(request)" : reason
        if text.hasSuffix(".") { text.removeLast() }
        var facts: [String] = []
        if let fieldName, !fieldName.isEmpty { facts.append("field \(fieldName)") }
        if !code.isEmpty { facts.append(code) }
        facts.append("\(status) to \(request)")
        return "\(text) (\(facts.joined(separator: ", ")))".printable
    }

    /// What the server says about it, without repeating itself.
    private var reason: String {
        var parts: [String] = []
        for part in [message, detail] {
            if let part, !part.isEmpty, part != code, !parts.contains(part) { parts.append(part) }
        }
        return parts.joined(separator: ": ")
    }
}
