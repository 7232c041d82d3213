import EventLoop
import HTTP
import JSON
import Model
import RBAC
import Store
import StoreFormat
import Synchronization
import WebSocket

/// One subscriber.
final class Subscription: Sendable {
    private let project: UInt64
    private let tellsChanges: Bool
    private let gateway: Gateway
    private let socket: WebSocket
    private let state: Mutex<State>

    private struct State {
        /// The request, with the rights as they were when they were last looked at.
        var exchange: Exchange
        /// Of the records that those rights were made of; nil before they were looked at here.
        var stamp: PolicySnapshot.Stamp?
        var coalescer = ChangeCoalescer()
        /// Of the last event that was heard of: what is told shows nothing older.
        var revision: Revision = 0
        /// Waits for what is due, as long as anything is.
        var flushing: Task<Void, Never>?
        var isOver: Bool = false
    }

    init(_ exchange: Exchange, project: UInt64, tellsChanges: Bool, _ gateway: Gateway, _ socket: WebSocket) {
        self.project = project
        self.tellsChanges = tellsChanges
        self.gateway = gateway
        self.socket = socket
        state = Mutex(State(exchange: exchange))
    }

    private var exchange: Exchange { state.withLock { $0.exchange } }
    private var loop: EventLoop { exchange.connection.loop }

    /// Until the client goes, its rights go, or the node stops.
    func run() async {
        let store: Store = gateway.state.store
        // The watch is open before the first ping: whoever has seen that misses nothing from there on.
        guard let watch = try? store.watch(from: store.view.revision + 1, filter: WatchFilter(scopes: [project])),
            (try? await socket.send(text: SubscribedEvent.ping(time: gateway.now()))) != nil
        else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepAlive() }
            group.addTask { while let _ = try? await self.socket.receive() {} }
            group.addTask { await self.tell(watch) }
            // Whichever ends first ends them all.
            await group.next()
            await socket.close()
            group.cancelAll()
        }
        let flushing: Task<Void, Never>? = state.withLock { state in
            state.isOver = true
            return state.flushing
        }
        flushing?.cancel()
        await flushing?.value
    }

    /// A ping every five seconds; before each, and as soon as they may have changed, the caller's rights are looked at again.
    private func keepAlive() async {
        let bell: RightsBell = gateway.rightsChanges.bell(for: exchange)
        var pinged: UInt64 = MonotonicClock.now
        while await bell.wait(on: loop, milliseconds: gateway.timing.rightsMilliseconds) != .ended {
            guard renew(gateway.state.store.view) != nil else {
                try? await socket.send(text: SubscribedEvent.logout)
                return
            }
            // A change of rights comes between; pings keep their pace.
            guard MonotonicClock.now - pinged >= UInt64(gateway.timing.rightsMilliseconds) * 900_000 else { continue }
            pinged = MonotonicClock.now
            guard (try? await socket.send(text: SubscribedEvent.ping(time: gateway.now()))) != nil else { return }
        }
    }

    /// The request with the rights of now; nil when they are gone.
    private func renew(_ view: StoreView) -> Exchange? {
        let stamp = PolicySnapshot.Stamp(view)
        guard let now: Exchange = StreamRights.renewed(exchange, view, at: gateway.now()), Subscribing.isAllowed(now)
        else { return nil }
        let kept: Exchange = now.kept
        state.withLock { state in
            state.exchange = kept
            state.stamp = stamp
        }
        return kept
    }

    /// The same, without looking where nothing has changed: what is told next is told by the rights of its moment.
    private func judged() -> Exchange? {
        let view: StoreView = gateway.state.store.view
        let (known, stamp): (Exchange, PolicySnapshot.Stamp?) = state.withLock { ($0.exchange, $0.stamp) }
        let isOver: Bool = known.caller.subject.validUntil.map { $0 <= gateway.now() } ?? false
        guard stamp != PolicySnapshot.Stamp(view) || isOver else { return known }
        return renew(view)
    }

    private func tell(_ watch: Watch) async {
        // A subscriber that cannot follow is closed by the watch: it lists again and subscribes anew.
        while let event: WatchEvent = try? await watch.next() {
            guard tellsChanges else { continue }
            state.withLock { $0.revision = event.revision }
            for key in Self.resources(event.changes) {
                let isNow: Bool = state.withLock { $0.coalescer.changed(key, now: gateway.now()) }
                if isNow {
                    guard (try? await deliver(key)) != nil else { return }
                } else {
                    startFlushing()
                }
            }
        }
    }

    private func startFlushing() {
        state.withLock { state in
            guard state.flushing == nil, !state.isOver else { return }
            state.flushing = Task(executorPreference: state.exchange.connection.loop) { [self] in await flush() }
        }
    }

    private func flush() async {
        while let due: Int64 = nextDue() {
            let wait: Int64 = min(max(0, due - gateway.now()), 2 * ChangeCoalescer.intervalMilliseconds)
            guard (try? await loop.sleep(milliseconds: Int(wait))) != nil else { return }
            for key in state.withLock({ $0.coalescer.due(gateway.now()) }) {
                guard (try? await deliver(key)) != nil else { return }
            }
        }
    }

    /// Nil, and the next change starts anew, when nothing waits.
    private func nextDue() -> Int64? {
        state.withLock { state in
            let due: Int64? = state.coalescer.nextDue
            if due == nil { state.flushing = nil }
            return due
        }
    }

    /// The resource as this caller sees it now; nothing when it does not.
    private func deliver(_ key: RecordKey) async throws {
        guard let exchange: Exchange = judged() else {
            try await socket.send(text: SubscribedEvent.logout)
            throw CancellationError()
        }
        let revision: Revision = state.withLock { $0.revision }
        let frame: ServerTextFrame? = gateway.events.frame(
            of: key,
            for: exchange,
            since: revision,
            in: gateway.state.store,
            time: gateway.now()
        )
        if let frame { try await socket.send(frame) }
    }

    /// The resources that changes of records are about, each once.
    static func resources(_ changes: [Change]) -> [RecordKey] {
        var keys: [RecordKey] = []
        var known: Set<RecordKey> = []
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
            if known.insert(key).inserted { keys.append(key) }
        }
        return keys
    }
}
