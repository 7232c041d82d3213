import JSON

/// What came of one interceptor for one request.
struct InterceptorStep: Sendable {
    enum Verdict: String, Sendable {
        /// It let the request pass as it was.
        case allow
        case change
        case deny
        /// It could not be asked, or its answer could not be used.
        case error
        /// A validator said who is calling, or that it does not know.
        case identified
    }

    var name: String
    var type: String
    var phase: InterceptorRule.Phase
    var mode: InterceptorRule.Mode
    var verdict: Verdict
    /// Of its answer; nil when there was none.
    var status: Int?
    /// What it said, or what went wrong.
    var message: String?
    var milliseconds: Double
    var changes: [JSONValue]

    init(_ rule: InterceptorRule, _ verdict: Verdict, milliseconds: Double) {
        name = rule.name
        type = rule.typeName
        phase = rule.phase
        mode = rule.mode
        self.verdict = verdict
        self.milliseconds = milliseconds
        changes = []
    }

    /// What a validator has done.
    init(identifiedBy rule: InterceptorRule, isAnonymous: Bool) {
        self.init(rule, .identified, milliseconds: 0)
        if isAnonymous { message = "anonymous" }
    }

    var document: JSONValue {
        .object([
            "name": .string(name), "type": .string(type), "phase": .string(phase.rawValue),
            "mode": .string(mode.rawValue), "verdict": .string(verdict.rawValue),
            "status": status.map { JSONValue($0) } ?? .null, "message": JSONValue(message),
            "milliseconds": .double((milliseconds * 100).rounded() / 100), "changes": .array(changes),
        ])
    }

    /// For audit records: without what the request said.
    var short: JSONValue {
        var object: JSONObject = ["name": .string(name), "verdict": .string(verdict.rawValue)]
        if mode == .shadow { object["mode"] = "shadow" }
        if let status, status != 200 { object["status"] = JSONValue(status) }
        if !changes.isEmpty { object["changed"] = .array(changes.compactMap { $0["at"] }) }
        return .object(object)
    }
}
