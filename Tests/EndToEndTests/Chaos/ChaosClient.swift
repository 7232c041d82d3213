import Bytes
import Checkers
import EventLoop
import HTTP
import JSON

/// Asks a cluster for one thing at a time through any of its nodes, and writes down what it heard.
///
/// A request is sent once, never again by itself: changes are sent as POST, which no HTTP client repeats. What was answered with
/// a fault of the server, or not at all, is unknown, unless the connection was never made.
struct ChaosClient: Sendable {
    let name: String
    let http: HTTPClient
    let authorization: String
    let history: HistoryFile

    /// Where a key lives in the API.
    enum Key: Sendable, Hashable {
        /// A setting: written, deleted, written again.
        case setting(String)
        /// The description of a stack that is there from the beginning.
        case stack(name: String, id: String)
        /// A stack's name, which only one may take: its description says who.
        case claim(String)

        var text: String {
            switch self {
            case .setting(let name): "setting \(name)"
            case .stack(let name, _): "stack \(name)"
            case .claim(let name): "claim \(name)"
            }
        }
    }

    enum Change: Sendable {
        case write(String)
        case delete
    }

    private static let limits: HTTPClientLimits = {
        var limits = HTTPClientLimits()
        limits.connectMilliseconds = 1_000
        limits.answerMilliseconds = 6_000
        limits.bodyMilliseconds = 6_000
        return limits
    }()

    /// What came back, or why nothing did.
    private enum Reply {
        case answer(status: Int, JSONValue)
        /// Nothing was sent.
        case unsent
        case silence
    }

    private func send(_ method: String, _ path: String, _ body: JSONValue?, to node: Endpoint) async -> Reply {
        var request = HTTPRequest(method: method, target: "/v2-beta/\(path)", headers: ["Authorization": authorization])
        if let body {
            request.headers["Content-Type"] = "application/json"
            request.body = JSONWriter.bytes(body)
        }
        do {
            let answer: HTTPClientResponse = try await http.send(request, to: node, limits: Self.limits)
            return .answer(status: answer.status, (try? JSONReader.parse(answer.body)) ?? .null)
        } catch NetworkFault.timedOut("connect to", _), NetworkFault.system("connect to", _, _) {
            return .unsent
        } catch {
            return .silence
        }
    }

    /// - Returns: whether anything was learnt.
    @discardableResult
    func read(_ key: Key, from node: Endpoint) async -> Bool {
        let invoked: Int64 = HistoryFile.now
        let path: String =
            switch key {
            case .setting(let name): "settings/\(name)"
            case .stack(_, let id): "projects/1a5/stacks/\(id)"
            case .claim(let name): "projects/1a5/stacks?name=\(name)&removed_null=1"
            }
        let reply: Reply = await send("GET", path, nil, to: node)
        var outcome: ClientOperation.Outcome = .failed
        if case .answer(let status, let body) = reply {
            switch (key, status) {
            case (.setting, 200): outcome = .found(body["value"]?.string ?? "", revision: nil)
            case (.setting, 404): outcome = .absent
            case (.stack, 200): outcome = .found(body["description"]?.string ?? "", revision: nil)
            case (.claim, 200):
                let found: [String] = (body["data"]?.array ?? []).map { $0["description"]?.string ?? "" }
                // Two of one name: a value that nobody wrote, so that the checker says so.
                outcome = found.isEmpty ? .absent : .found(found.joined(separator: " and "), revision: nil)
            default: break
            }
        }
        add(key, .read, outcome, invoked)
        return outcome != .failed
    }

    /// - Returns: whether it was acknowledged.
    @discardableResult
    func change(_ key: Key, _ change: Change, through node: Endpoint) async -> Bool {
        let invoked: Int64 = HistoryFile.now
        var request: ClientOperation.Request
        let reply: Reply
        switch (key, change) {
        case (.setting(let name), .write(let value)):
            request = .write(value)
            reply = await send("POST", "settings/\(name)?_method=PUT", ["value": .string(value)], to: node)
        case (.setting(let name), .delete):
            request = .delete(revision: nil)
            reply = await send("POST", "settings/\(name)?_method=DELETE", nil, to: node)
        case (.stack(_, let id), .write(let value)):
            request = .write(value)
            let path: String = "projects/1a5/stacks/\(id)?_method=PUT"
            reply = await send("POST", path, ["description": .string(value)], to: node)
        case (.claim(let name), .write(let value)):
            request = .create(value)
            let body: JSONValue = ["name": .string(name), "description": .string(value)]
            reply = await send("POST", "projects/1a5/stacks", body, to: node)
        case (.stack, .delete), (.claim, .delete): return false
        }
        var outcome: ClientOperation.Outcome
        switch reply {
        case .unsent: outcome = .failed
        case .silence: outcome = .unknown
        case .answer(200..<300, _): outcome = .done(revision: nil)
        case .answer(404, _) where request == .delete(revision: nil):
            // It says that there was nothing: as much as a read says.
            request = .read
            outcome = .absent
        case .answer(422, let body) where body["code"]?.string == "NotUnique": outcome = .refused(actual: nil)
        // 507: the disk is nearly full, and nothing was changed.
        case .answer(400..<500, _), .answer(507, _): outcome = .failed
        case .answer: outcome = .unknown
        }
        add(key, request, outcome, invoked)
        if case .done = outcome { return true }
        return false
    }

    private func add(
        _ key: Key,
        _ request: ClientOperation.Request,
        _ outcome: ClientOperation.Outcome,
        _ invoked: Int64
    ) {
        history.add(
            ClientOperation(
                client: name,
                key: key.text,
                request: request,
                outcome: outcome,
                invoked: invoked,
                returned: HistoryFile.now
            )
        )
    }

    /// Makes a stack that is a key, outside of the history.
    func make(_ name: String, description: String, through node: Endpoint) async throws -> Key {
        let invoked: Int64 = HistoryFile.now
        let body: JSONValue = ["name": .string(name), "description": .string(description)]
        guard case .answer(201, let made) = await send("POST", "projects/1a5/stacks", body, to: node),
            let id: String = made["id"]?.string
        else { throw RigFailure("cannot make the stack \(name)") }
        let key = Key.stack(name: name, id: id)
        add(key, .write(description), .done(revision: nil), invoked)
        return key
    }
}
