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
///
/// There may be thousands, so what they have for themselves is little: an exchange is wide, and whatever waits holds on to none.
final class Subscription: Sendable {
    private let project: UInt64
    private let tellsChanges: Bool
    private let gateway: Gateway
    private let loop: EventLoop
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

    init(_ exchange: Exchange, project: UInt64, tellsChanges: Bool, _ gateway: Gateway) {
        self.project = project
        self.tellsChanges = tellsChanges
        self.gateway = gateway
        loop = exchange.connection.loop
        state = Mutex(State(exchange: exchange))
    }

    /// Until the client goes, its rights go, or the node stops.
    func run(_ socket: WebSocket) async {
        let store: Store = gateway.state.store
        // The watch is open before the first ping: whoever has seen that misses nothing from there on.
        guard let watch = try? store.watch(from: store.view.revision + 1, filter: WatchFilter(scopes: [project])),
            (try? await socket.send(text: SubscribedEvent.ping(time: gateway.now()))) != nil
        else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepAlive(socket) }
            group.addTask { while let _ = try? await socket.receive() {} }
            group.addTask { await self.tell(watch, socket) }
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
    private func keepAlive(_ socket: WebSocket) async {
        let bell: RightsBell = bell()
        var pinged: UInt64 = MonotonicClock.now
        while await bell.wait(milliseconds: gateway.timing.rightsMilliseconds) != .ended {
            guard holds() else {
                try? await socket.send(text: SubscribedEvent.logout)
                return
            }
            // A change of rights comes between; pings keep their pace.
            guard MonotonicClock.now - pinged >= UInt64(gateway.timing.rightsMilliseconds) * 900_000 else { continue }
            pinged = MonotonicClock.now
            guard (try? await socket.send(text: SubscribedEvent.ping(time: gateway.now()))) != nil else { return }
        }
    }

    // What has an exchange in its hands is never a part of what waits, which would keep its place for it.

    @inline(never)
    private func bell() -> RightsBell { gateway.rightsChanges.bell(for: state.withLock { $0.exchange }) }

    /// Whether the rights are there still.
    @inline(never)
    private func holds() -> Bool { renew(gateway.state.store.view) != nil }

    /// The request with the rights of now; nil when they are gone.
    private func renew(_ view: StoreView) -> Exchange? {
        let stamp = PolicySnapshot.Stamp(view)
        let known: Exchange = state.withLock { $0.exchange }
        guard let now: Exchange = StreamRights.renewed(known, view, at: gateway.now()), Subscribing.isAllowed(now)
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

    private func tell(_ watch: Watch, _ socket: WebSocket) async {
        // A subscriber that cannot follow is closed by the watch: it lists again and subscribes anew.
        while let event: WatchEvent = try? await watch.next() {
            guard tellsChanges else { continue }
            state.withLock { $0.revision = event.revision }
            for key in Self.resources(event.changes) {
                let isNow: Bool = state.withLock { $0.coalescer.changed(key, now: gateway.now()) }
                if isNow {
                    guard (try? await deliver(key, socket)) != nil else { return }
                } else {
                    startFlushing(socket)
                }
            }
        }
    }

    private func startFlushing(_ socket: WebSocket) {
        state.withLock { state in
            guard state.flushing == nil, !state.isOver else { return }
            state.flushing = Task(executorPreference: loop) { [self] in await flush(socket) }
        }
    }

    private func flush(_ socket: WebSocket) async {
        while let due: Int64 = nextDue() {
            let wait: Int64 = min(max(0, due - gateway.now()), 2 * ChangeCoalescer.intervalMilliseconds)
            guard (try? await loop.sleep(milliseconds: Int(wait))) != nil else { return }
            for key in state.withLock({ $0.coalescer.due(gateway.now()) }) {
                guard (try? await deliver(key, socket)) != nil else { return }
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

    private enum Told {
        case frame(ServerTextFrame)
        /// It is not to be seen.
        case nothing
        /// The rights are gone.
        case logout
    }

    /// The resource as this caller sees it now; nothing when it does not.
    private func deliver(_ key: RecordKey, _ socket: WebSocket) async throws {
        switch told(key) {
        case .nothing: return
        case .frame(let frame): try await socket.send(frame)
        case .logout:
            try await socket.send(text: SubscribedEvent.logout)
            throw CancellationError()
        }
    }

    @inline(never)
    private func told(_ key: RecordKey) -> Told {
        guard let exchange: Exchange = judged() else { return .logout }
        let revision: Revision = state.withLock { $0.revision }
        let frame: ServerTextFrame? = gateway.events.frame(
            of: key,
            for: exchange,
            since: revision,
            in: gateway.state.store,
            time: gateway.now()
        )
        return frame.map(Told.frame) ?? .nothing
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
