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
        let attending = Task(executorPreference: loop) {
            await self.attend(watch, socket)
            await socket.close()
        }
        while let _ = try? await socket.receive() {}
        attending.cancel()
        await attending.value
        let flushing: Task<Void, Never>? = state.withLock { state in
            state.isOver = true
            return state.flushing
        }
        flushing?.cancel()
        await flushing?.value
    }

    /// Tells of changes as they come, and pings every five seconds; before each ping, and as soon as they may have changed, the
    /// caller's rights are looked at again.
    private func attend(_ watch: Watch, _ socket: WebSocket) async {
        let rights: RightsBell = bell()
        watch.signal { [bell = rights.bell] in bell.ring() }
        let pace: Int = gateway.timing.rightsMilliseconds
        var due: Deadline = .after(milliseconds: pace)
        while await rights.wait(until: due) != .ended {
            let isDue: Bool = due.isPast
            if rights.takeChange() || isDue, !holds() {
                try? await socket.send(text: SubscribedEvent.logout)
                return
            }
            if isDue {
                due = .after(milliseconds: pace)
                guard (try? await socket.send(text: SubscribedEvent.ping(time: gateway.now()))) != nil else { return }
            }
            while true {
                guard let changed: [RecordKey] = next(watch) else { return }
                guard !changed.isEmpty else { break }
                for key in changed {
                    let isNow: Bool = state.withLock { $0.coalescer.changed(key, now: gateway.now()) }
                    if isNow {
                        guard (try? await deliver(key, socket)) != nil else { return }
                    } else {
                        startFlushing(socket)
                    }
                }
            }
        }
    }

    /// What the next event of the watch is about; empty when there is none now.
    ///
    /// A subscriber that cannot follow is closed by the watch: it lists again and subscribes anew.
    ///
    /// - Returns: nil at the end of the watch.
    @inline(never)
    private func next(_ watch: Watch) -> [RecordKey]? {
        do {
            while let event: WatchEvent = try watch.poll() {
                guard tellsChanges else { continue }
                let keys: [RecordKey] = Self.resources(event.changes)
                guard !keys.isEmpty else { continue }
                state.withLock { $0.revision = event.revision }
                return keys
            }
            return []
        } catch {
            return nil
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
