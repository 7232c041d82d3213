package import JSON
package import Model

/// An error as the API shows it: a status, a stable code, and words for whoever called.
///
/// Codes of the framework are the reason phrase with spaces ("Not Found"); those of validation and of the domain are
/// single words ("MissingRequired"): contract A8. `docs/reference/problems.md` lists every one.
package struct Problem: Error, Equatable, Sendable {
    package var status: Int
    package var code: String
    /// For people; null in the document when nil.
    package var message: String?
    package var detail: String?
    /// The field that is wrong; only on validation problems.
    package var fieldName: String?
    /// Whether the answer carries a challenge for credentials.
    package var challenges: Bool = false
    /// After how long it makes sense to try again, where that is known.
    package var retrySeconds: Int64?

    package init(
        status: Int,
        code: String,
        message: String? = nil,
        detail: String? = nil,
        fieldName: String? = nil,
        challenges: Bool = false
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.fieldName = fieldName
        self.challenges = challenges
    }

    /// The error document; `id` is the request's id, so that the log line can be found from the answer.
    package func document(id: String) -> JSONValue {
        .object([
            "id": .string(id), "type": "error", "baseType": "error", "links": [:], "actions": [:],
            "status": JSONValue(status), "code": .string(code), "message": JSONValue(message),
            "detail": JSONValue(detail), "fieldName": JSONValue(fieldName),
        ])
    }
}

extension Problem {
    package static func badRequest(_ message: String) -> Problem {
        Problem(status: 400, code: "Bad Request", message: message)
    }

    package static func invalidBody(_ message: String) -> Problem {
        Problem(status: 400, code: "InvalidBodyContent", message: message)
    }

    package static func unauthorized(_ message: String) -> Problem {
        Problem(status: 401, code: "Unauthorized", message: message, challenges: true)
    }

    package static func forbidden(_ message: String, detail: String? = nil) -> Problem {
        Problem(status: 403, code: "Forbidden", message: message, detail: detail)
    }

    /// Whoever wants to join is not let in; the message says what to do and nothing that a guesser could use.
    package static func joinRefused(_ message: String) -> Problem {
        Problem(status: 403, code: "JoinRefused", message: message)
    }

    /// Whoever came to the port for nodes is none, or none any more.
    package static func peerRefused(_ message: String) -> Problem {
        Problem(status: 403, code: "PeerRefused", message: message)
    }

    /// Also for what the caller may not know to exist.
    package static func notFound(_ message: String) -> Problem {
        Problem(status: 404, code: "Not Found", message: message)
    }

    package static func methodNotAllowed(_ message: String) -> Problem {
        Problem(status: 405, code: "Method not allowed", message: message)
    }

    package static func conflict(_ message: String, fieldName: String? = nil) -> Problem {
        Problem(status: 409, code: "Conflict", message: message, fieldName: fieldName)
    }

    package static func validation(_ code: ValidationCode, field: String, message: String? = nil) -> Problem {
        Problem(status: 422, code: code.rawValue, message: message, fieldName: field)
    }

    /// - Parameter milliseconds: how long to wait.
    package static func tooMany(_ message: String, _ milliseconds: Int64) -> Problem {
        var problem = Problem(status: 429, code: "TooManyRequests", message: message)
        problem.retrySeconds = max(1, (milliseconds + 999) / 1_000)
        return problem
    }

    package static func unavailable(_ message: String) -> Problem {
        Problem(status: 503, code: "Service Unavailable", message: message)
    }

    /// This node's disk, or those of a majority, have no room for the change.
    package static func noSpace(_ message: String) -> Problem {
        Problem(status: 507, code: "Insufficient Storage", message: message)
    }

    package static func tooLarge(_ message: String) -> Problem {
        Problem(status: 413, code: "Request Entity Too Long", message: message)
    }

    /// Something is wrong on our side; the message says no more than the request id can find in the log.
    package static let fault = Problem(
        status: 500,
        code: "Internal Server Error",
        message: "An internal error; the log has it under this id."
    )
}
