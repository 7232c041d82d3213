import Bytes
import Crypto
import EventLoop
import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat
import Synchronization
import WebSocket

/// `subscribe`: changes of an environment's resources as they happen, over a WebSocket (contract 1.10).
enum Subscribing {
    static func answer(_ exchange: Exchange, _ gateway: Gateway) throws(Problem) -> Answer {
        guard exchange.request.headers.list("upgrade", contains: "websocket") else {
            throw .notFound("Subscriptions are WebSockets: ask with Upgrade: websocket.")
        }
        guard let project: UInt64 = exchange.projectNumber, exchange.rights.canEver(.subscribe, "subscribe") else {
            throw .forbidden("Subscriptions belong to an environment: use /projects/<id>/subscribe.")
        }
        let names: [String] = exchange.query.all("eventNames")
        let allowed: Bool = names.allSatisfy { name in
            name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || [46, 42, 95, 59, 61].contains(byte)
            }
        }
        guard allowed else { throw .badRequest("eventNames may have letters, digits and . * _ ; = only.") }
        let wanted: Bool = names.isEmpty || names.contains { name in
            let plain: Substring = name.split(separator: ";").first ?? ""
            return plain == "resource.change" || plain == "*" || plain == "resource.*"
        }
        return .http(
            WebSocket.response(to: exchange.request) { socket in
                await Subscription(exchange, project: project, tellsChanges: wanted, gateway, socket).run()
            })
    }
}

/// One subscriber.
private final class Subscription: Sendable {
    private let exchange: Exchange
    private let project: UInt64
    private let tellsChanges: Bool
    private let gateway: Gateway
    private let socket: WebSocket
    private let state = Mutex(State())

    private struct State {
        var coalescer = ChangeCoalescer()
        var isFlushing: Bool = false
    }

    init(_ exchange: Exchange, project: UInt64, tellsChanges: Bool, _ gateway: Gateway, _ socket: WebSocket) {
        self.exchange = exchange
        self.project = project
        self.tellsChanges = tellsChanges
        self.gateway = gateway
        self.socket = socket
    }

    /// Until the client goes, its rights go, or the node stops.
    func run() async {
        let store: Store = gateway.state.store
        guard let watch = try? store.watch(from: store.view.revision + 1, filter: WatchFilter(scopes: [project])) else {
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepAlive() }
            group.addTask { while let _ = try? await self.socket.receive() {} }
            group.addTask { await self.tell(watch) }
            // Whichever ends first ends them all.
            await group.next()
            await socket.close()
            group.cancelAll()
        }
    }

    /// A ping at once and every five seconds; with each the caller's rights are looked at again.
    private func keepAlive() async {
        while !Task.isCancelled {
            guard SubscriptionRights.stillHeld(exchange, gateway.state.store.view) else {
                try? await socket.send(text: #"{"name":"logout"}"#)
                return
            }
            guard (try? await send(event("ping", data: ["options": [:]]))) != nil else { return }
            guard (try? await exchange.connection.loop.sleep(milliseconds: 5_000)) != nil else { return }
        }
    }

    private func tell(_ watch: Watch) async {
        // A subscriber that cannot follow is closed by the watch: it lists again and subscribes anew.
        while let event: WatchEvent = try? await watch.next() {
            guard tellsChanges else { continue }
            for key in SubscriptionRights.resources(event.changes) {
                let isNow: Bool = state.withLock { $0.coalescer.changed(key, now: gateway.now()) }
                if isNow {
                    guard (try? await deliver(key)) != nil else { return }
                } else {
                    startFlushing()
                }
            }
        }
    }

    /// One task waits for what is due, as long as anything is.
    private func startFlushing() {
        let starts: Bool = state.withLock { state in
            defer { state.isFlushing = true }
            return !state.isFlushing
        }
        guard starts else { return }
        Task(executorPreference: exchange.connection.loop) { [self] in
            while let due: Int64 = state.withLock({ state in
                if state.coalescer.nextDue == nil { state.isFlushing = false }
                return state.coalescer.nextDue
            }) {
                let wait: Int64 = max(0, due - gateway.now())
                guard (try? await exchange.connection.loop.sleep(milliseconds: Int(wait))) != nil else { return }
                for key in state.withLock({ $0.coalescer.due(gateway.now()) }) {
                    guard (try? await deliver(key)) != nil else { return }
                }
            }
        }
    }

    /// The resource as this caller sees it now; nothing when it does not.
    private func deliver(_ key: RecordKey) async throws {
        var current: Exchange = exchange
        current.view = gateway.state.store.view
        guard let record: Record = current.view.get(key), let resource = Resource(record, in: current.view),
            Reading.isVisible(resource, current)
        else { return }
        let document: JSONObject = current.renderer.document(resource)
        try await send(
            event(
                "resource.change", type: resource.definition.name, id: Renderer.id(of: resource),
                data: ["resource": .object(document)]))
    }

    private func send(_ event: JSONValue) async throws {
        try await socket.send(text: String(decoding: JSONWriter.bytes(event), as: UTF8.self))
    }

    private func event(_ name: String, type: String? = nil, id: String? = nil, data: JSONValue) -> JSONValue {
        .object([
            "id": .string(Hex.encode(SecureRandom.bytes(16))), "name": .string(name), "resourceType": JSONValue(type),
            "resourceId": JSONValue(id), "time": .int(gateway.now()), "data": data, "previousIds": nil,
            "previousNames": nil, "publisher": nil, "replyTo": nil, "transitioning": nil, "transitioningMessage": nil,
            "transitioningInternalMessage": nil, "transitioningProgress": nil, "timeoutMillis": nil,
            "listenerKey": nil, "context": nil,
        ])
    }
}

/// What a subscription may tell, judged anew as time goes by.
enum SubscriptionRights {
    /// Whether the credential, its account and its way into the environment are still good.
    static func stillHeld(_ exchange: Exchange, _ view: StoreView) -> Bool {
        var current: Exchange = exchange
        current.view = view
        guard (try? Identify.refresh(&current)) != nil,
            current.caller.accountNumber == exchange.caller.accountNumber, let project: UInt64 = exchange.projectNumber,
            Identify.account(project, view)?.isActive ?? false
        else { return false }
        return current.rights.mayEnterProject && current.rights.canEver(.subscribe, "subscribe")
    }

    /// The resources that changes of records are about, each once.
    static func resources(_ changes: [Change]) -> [RecordKey] {
        var keys: [RecordKey] = []
        for change in changes {
            let table: Table
            switch change.key.table {
            case .instanceObserved: table = .instance
            case .serviceObserved: table = .service
            case .stackObserved: table = .stack
            case .hostObserved: table = .host
            case .volumeObserved: table = .volume
            case .hostReservation, .operation, .clusterKeys: continue
            default: table = change.key.table
            }
            let key = RecordKey(table, change.key.number)
            if !keys.contains(key) { keys.append(key) }
        }
        return keys
    }
}
