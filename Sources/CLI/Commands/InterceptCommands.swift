internal import JSON

/// What administrators ask of the interceptors: would it pass, what happened, how do they do.
enum InterceptCommands {
    static let all: [Command] = [test, trace, status]

    private static let test = Command(
        "intercept test",
        operands: "[FILE]",
        summary: "say what interceptors would make of a request, under a configuration that is tried first",
        details: """
            FILE holds a configuration as the setting api.interceptor.config takes it; without one the configuration in force is
            asked about. A FILE alone is only checked. With --path it is shown which interceptors a request would meet, in their
            order, and where it would go; with --call they are really asked, shadows too, and what they say is shown. The request itself is
            never carried out. Ends with 1 when FILE is wrong, or when a request that was tried with --call is denied.
            """,
        options: [
            OptionSpec("path", value: "PATH", "the path of the request, such as /v2-beta/projects/1a5/stacks"),
            OptionSpec("method", value: "METHOD", "its method (GET)"),
            OptionSpec("header", value: "NAME:VALUE", "a header of it"),
            OptionSpec("body", value: "JSON", "its body"),
            OptionSpec("call", "ask the interceptors"),
        ],
        run: runTest
    )

    private static func runTest(_ invocation: Invocation) async throws -> Int32 {
        let arguments: ParsedArguments = invocation.arguments
        guard arguments.operands.count <= 1 else {
            throw CommandFailure.usage("'\(arguments.operands[1])' is one operand too many")
        }
        guard arguments.operands.count == 1 || arguments.has("path") else {
            throw CommandFailure.usage("name a file with a configuration, a request with --path, or both")
        }
        var input = JSONObject()
        if let file: String = arguments.operands.first {
            let path: String = invocation.path(file)
            guard let text: String = TextFile.read(path) else {
                throw CommandFailure("cannot read \(path), or it is too large")
            }
            input["config"] = .string(text)
        }
        if let path: String = arguments.value("path") {
            input["path"] = .string(path)
            input["method"] = .string(arguments.value("method") ?? (arguments.has("body") ? "POST" : "GET"))
            input["call"] = .bool(arguments.has("call"))
        }
        var headers = JSONObject()
        for header in arguments.values("header") {
            guard let colon: String.Index = header.firstIndex(of: ":") else {
                throw CommandFailure.usage("--header wants NAME:VALUE, not '\(header)'")
            }
            let value: Substring = header[header.index(after: colon)...].drop { $0 == " " }
            headers[String(header[..<colon])] = .string(String(value))
        }
        if !headers.isEmpty { input["headers"] = .object(headers) }
        if let text: String = arguments.value("body") {
            guard let body: JSONValue = try? JSONReader.parse(Array(text.utf8)) else {
                throw CommandFailure.usage("--body is not JSON")
            }
            input["body"] = body
        }
        let asked: JSONValue = .object(input)
        return try await invocation.withClient { client in
            let trial: JSONObject = try await client.send("POST", "/v1-api-interceptor/test", asked)
            if invocation.output == .table {
                invocation.console.write(text(of: trial))
            } else {
                invocation.show(.object(trial))
            }
            let isValid: Bool = trial["config"]?["valid"]?.bool ?? false
            let outcome: String = trial["outcome"]?.string ?? "proceed"
            return isValid && outcome == "proceed" ? 0 : 1
        }
    }

    private static func text(of trial: JSONObject) -> String {
        let config: JSONValue = trial["config"] ?? .null
        if let problem: String = config["problem"]?.string {
            return "the configuration is wrong: \(problem.printable)\n"
        }
        var out: String =
            config["source"]?.string == "setting" ? "the configuration in force\n" : "the configuration is good\n"
        for warning in config["warnings"]?.array ?? [] { out += "  warning: \((warning.string ?? "").printable)\n" }
        guard let interceptors: [JSONValue] = trial["interceptors"]?.array else { return out }
        if trial["exempt"]?.bool == true { return out + "this path is never intercepted\n" }
        var table = Table("INTERCEPTOR", "TYPE", "ENDPOINT", "MODE", "ON FAILURE", "TIMEOUT")
        for one in interceptors {
            let milliseconds: Int64 = one["timeoutMilliseconds"]?.int ?? 0
            table.rows.append([
                Table.Cell(one["name"]?.string ?? ""), Table.Cell(one["type"]?.string ?? ""),
                Table.Cell(one["endpoint"]?.string ?? "–"), Table.Cell(one["mode"]?.string ?? ""),
                Table.Cell(one["failurePolicy"]?.string ?? ""), Table.Cell("\(milliseconds / 1_000) s"),
            ])
        }
        out += interceptors.isEmpty ? "no interceptor is asked\n" : "\n" + table.text(width: nil, colour: false)
        out += "goes to \((trial["destination"]?.string ?? "").printable)\n"
        if let steps: [JSONValue] = trial["steps"]?.array {
            out += "\n" + Self.steps(steps)
            out += "outcome: \((trial["outcome"]?.string ?? "").printable)\n"
        }
        return out
    }

    private static func steps(_ steps: [JSONValue]) -> String {
        var table = Table("INTERCEPTOR", "MODE", "VERDICT", "STATUS", "MS", "WHAT")
        for step in steps {
            let changes: [String] = (step["changes"]?.array ?? []).map { change in
                "\(change["at"]?.string ?? ""): \(short(change["before"])) → \(short(change["after"]))"
            }
            table.rows.append([
                Table.Cell(step["name"]?.string ?? ""), Table.Cell(step["mode"]?.string ?? ""),
                Table.Cell(step["verdict"]?.string ?? ""), Table.Cell(step["status"]?.int.map { "\($0)" } ?? "–"),
                Table.Cell(step["milliseconds"]?.double.map { "\($0)" } ?? ""),
                Table.Cell((step["message"]?.string.map { [$0] } ?? changes).joined(separator: "; ")),
            ])
        }
        return table.text(width: nil, colour: false)
    }

    private static func short(_ value: JSONValue?) -> String {
        guard let value, !value.isNull else { return "–" }
        return (value.string ?? String(decoding: JSONWriter.bytes(value), as: UTF8.self)).cut(to: 60)
    }

    private static let trace = Command(
        "intercept trace",
        operands: "[REQUEST-ID]",
        summary: "show what the interceptors made of a request, or of the last ones",
        details: """
            The id is that of the header X-API-Request-Id, or of an error document. Each node remembers what came in through it: ask
            the one that answered.
            """,
        options: [OptionSpec("limit", value: "N", "how many of the last requests are shown (20)")]
    ) { invocation in
        guard invocation.arguments.operands.count <= 1 else { throw CommandFailure.usage("name one request") }
        let limit: Int = try invocation.arguments.count("limit") ?? 20
        return try await invocation.withClient { client in
            let traces: [JSONValue]
            if let id: String = invocation.arguments.operands.first {
                guard !id.isEmpty, id.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
                    throw CommandFailure.usage("'\(id)' is no id of a request")
                }
                traces = [.object(try await client.send("GET", "/v1-api-interceptor/traces/\(id)"))]
            } else {
                traces = try await client.send("GET", "/v1-api-interceptor/traces?limit=\(limit)")["data"]?.array ?? []
            }
            guard invocation.output == .table else {
                invocation.show(.array(traces))
                return 0
            }
            for trace in traces {
                let line: String =
                    "\(trace["id"]?.string ?? "")  \(trace["method"]?.string ?? "") \(trace["path"]?.string ?? "")  "
                    + "\(trace["accountId"]?.string ?? "")  \(trace["outcome"]?.string ?? "")"
                invocation.console.write("\(line.printable)\n\(steps(trace["steps"]?.array ?? []))\n")
            }
            return 0
        }
    }

    private static let status = Command(
        "intercept status",
        summary: "show how often each interceptor was asked, what it said, and where shadows disagree"
    ) { invocation in
        try invocation.refuseOperands()
        return try await invocation.withClient { client in
            let status: JSONObject = try await client.send("GET", "/v1-api-interceptor/status")
            guard invocation.output == .table else {
                invocation.show(.object(status))
                return 0
            }
            var table = Table(
                "INTERCEPTOR",
                "MODE",
                "CALLS",
                "DENIED",
                "CHANGED",
                "ERRORS",
                "MEAN MS",
                "DISAGREES",
                "LAST ERROR"
            )
            for one in status["interceptors"]?.array ?? [] {
                func count(_ verdict: String) -> String { "\(one["verdicts"]?[verdict]?.int ?? 0)" }
                table.rows.append([
                    Table.Cell(one["name"]?.string ?? ""), Table.Cell(one["mode"]?.string ?? ""),
                    Table.Cell("\(one["calls"]?.int ?? 0)"), Table.Cell(count("deny")), Table.Cell(count("change")),
                    Table.Cell(count("error")), Table.Cell("\(one["meanMilliseconds"]?.double ?? 0)"),
                    Table.Cell("\(one["disagreements"]?.int ?? 0)"), Table.Cell(one["lastError"]?.string ?? "–"),
                ])
            }
            invocation.console.write(table.text(width: invocation.console.columns(), colour: false))
            return 0
        }
    }
}
