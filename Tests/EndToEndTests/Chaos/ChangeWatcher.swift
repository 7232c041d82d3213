import Bytes
import Checkers
import EventLoop
import HTTP
import JSON
import Synchronization
import WebSocket

/// Subscribes to changes at one node, again whenever it is cut off, and writes down what it is told of some stacks.
///
/// The API tells an object's state, the first change at once and those of the next second together, without revisions: so it is
/// judged by values. Each value that is told was written; no value is told after one that was written later; and a subscription
/// that lasts has told the last value in the end.
final class ChangeWatcher: Sendable {
    struct Told: Sendable {
        var session: Int
        var key: String
        var value: String
        var at: Int64
    }

    private struct State {
        var told: [Told] = []
        /// When each subscription was open: what was written after that must be told.
        var opened: [Int: Int64] = [:]
        /// The one that is open now.
        var open: Int?
        var task: Task<Void, Never>?
        var socket: WebSocket?
    }

    private let node: String
    private let endpoint: Endpoint
    private let authorization: String
    private let client: HTTPClient
    /// By id.
    private let keys: [String: String]
    private let state = Mutex(State())

    init(
        _ node: String,
        _ endpoint: Endpoint,
        key: (access: String, secret: String),
        client: HTTPClient,
        stacks: [ChaosClient.Key]
    ) {
        self.node = node
        self.endpoint = endpoint
        self.client = client
        authorization = "Basic " + Base64.encode(Array("\(key.access):\(key.secret)".utf8))
        var keys: [String: String] = [:]
        for stack in stacks { if case .stack(_, let id) = stack { keys[id] = stack.text } }
        self.keys = keys
    }

    func start() {
        let task = Task {
            var session: Int = 0
            while !Task.isCancelled {
                session += 1
                await self.follow(session)
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
        state.withLock { $0.task = task }
    }

    func stop() async {
        let (task, socket): (Task<Void, Never>?, WebSocket?) = state.withLock { state in
            defer { state.task = nil }
            return (state.task, state.socket)
        }
        task?.cancel()
        // Which one was open in the end stays known.
        await socket?.close()
        await task?.value
    }

    var count: Int { state.withLock { $0.told.count } }

    var lines: String {
        state.withLock { $0.told }.map { told in
            let line: JSONObject = [
                "node": .string(node), "session": JSONValue(told.session), "key": .string(told.key),
                "value": .string(told.value), "at": .int(told.at),
            ]
            return String(decoding: JSONWriter.bytes(.object(line)), as: UTF8.self) + "\n"
        }.joined()
    }

    private func follow(_ session: Int) async {
        guard
            let socket: WebSocket = try? await WebSocket.connect(
                to: endpoint,
                target: "/v2-beta/projects/1a5/subscribe?eventNames=resource.change",
                headers: ["Authorization": authorization],
                client: client
            )
        else { return }
        state.withLock { $0.socket = socket }
        while case .text(let text)? = try? await socket.receive() {
            guard let event: JSONValue = try? JSONReader.parse(text) else { continue }
            let at: Int64 = HistoryFile.now
            // The first ping says that nothing is missed from there on.
            if event["name"]?.string == "ping" {
                state.withLock { state in
                    if state.opened[session] == nil { state.opened[session] = at }
                    state.open = session
                }
            }
            guard let key: String = event["resourceId"]?.string.flatMap({ keys[$0] }),
                let value: String = event["data"]?["resource"]?["description"]?.string
            else { continue }
            state.withLock { $0.told.append(Told(session: session, key: key, value: value, at: at)) }
        }
        await socket.close()
        state.withLock { state in
            state.socket = nil
            // Closed by us, it was open to the end.
            if state.task != nil { state.open = nil }
        }
    }

    // MARK: Judging

    /// What is wrong with what it was told, given everything that was done to the keys.
    func complaints(_ operations: [ClientOperation]) -> [String] {
        let watched: Set<String> = Set(keys.values)
        let operations: [ClientOperation] = operations.filter { watched.contains($0.key) }
        let (told, opened, open): ([Told], [Int: Int64], Int?) = state.withLock { ($0.told, $0.opened, $0.open) }
        return Self.complaints(
            told,
            opened: open.flatMap { session in opened[session].map { (session, $0) } },
            operations
        )
        .map { "what \(node) told its subscriber: \($0)" }
    }

    /// - Parameter opened: the subscription that was open to the end, and since when.
    static func complaints(
        _ told: [Told],
        opened: (session: Int, since: Int64)?,
        _ operations: [ClientOperation]
    ) -> [String] {
        var writes: [String: [String: ClientOperation]] = [:]
        for operation in operations {
            guard case .write(let value) = operation.request, operation.outcome != .failed else { continue }
            writes[operation.key, default: [:]][value] = operation
        }
        var complaints: [String] = []
        var last: [String: Told] = [:]
        for each in told {
            guard let write: ClientOperation = writes[each.key]?[each.value] else {
                complaints.append("\(each.key) was \(each.value), which nobody wrote")
                continue
            }
            let place: String = "\(each.session) \(each.key)"
            if let before: Told = last[place], before.value != each.value,
                let earlier: ClientOperation = writes[each.key]?[before.value], write.outcome != .unknown,
                write.returned < earlier.invoked
            {
                complaints.append("\(each.key) was \(each.value) after \(before.value), which was written later")
            }
            last[place] = each
        }
        guard let opened else { return complaints }
        for (key, written) in writes {
            let acknowledged: [ClientOperation] = written.values.filter { $0.outcome != .unknown }
            guard let newest = acknowledged.max(by: { $0.invoked < $1.invoked }), newest.invoked > opened.since else {
                continue
            }
            let shown: Told? = last["\(opened.session) \(key)"]
            // Later than the newest is nothing; at the same time may be another.
            let isCurrent: Bool =
                shown.flatMap { written[$0.value] }.map { $0.outcome == .unknown || $0.returned >= newest.invoked }
                ?? false
            if !isCurrent {
                complaints.append("\(key) was last \(shown?.value ?? "never told"), not \(newest.request)")
            }
        }
        return complaints
    }
}
