import EventLoop
import Model
import Store
import StoreFormat
import Synchronization
import WebSocket

/// One subscriber: told of changes as they come, and pinged at its turns; before each ping, and as soon as they may have
/// changed, the rights are looked at again.
///
/// There may be thousands, so what they have for themselves is little, and no task: whatever happens to one is a call on its
/// loop's thread. While the system has not taken what was sent, nothing more is taken from the watch.
final class Subscription: PushSocketOwner, @unchecked Sendable {
    // @unchecked: all that changes is touched by the loop's thread only, but for what is atomic.

    /// Until the end.
    private var viewer: Viewer?
    private let gateway: Gateway
    private let loop: EventLoop
    private let tellsChanges: Bool
    /// When it has had all its pings; milliseconds since 1970.
    private let ends: Int64
    private var place: WatchPlace?

    private var socket: PushSocket?
    private var watch: Watch?
    private var coalescer = ChangeCoalescer()
    /// Of the last event that was heard of: what is told shows nothing older.
    private var revision: Revision = 0
    /// What is to be told now.
    private var told: ArraySlice<RecordKey> = []
    /// Rings when something is due that was changed again too soon.
    private var alarm: LoopAlarm?
    private var isPingDue: Bool = false
    /// It is going on already, and will find what has come meanwhile.
    private var isGoingOn: Bool = false

    /// A call is on its way to the loop.
    private let isRung = Atomic<Bool>(false)
    // Rights may have changed between the request and the beginning: they are looked at once then.
    private let mayHaveChanged = Atomic<Bool>(true)

    /// So much is told before others on the loop have their turn.
    private static let toldAtOnce: Int = 16

    init(_ viewer: Viewer, _ place: WatchPlace, tellsChanges: Bool, on loop: EventLoop, _ gateway: Gateway) {
        self.viewer = viewer
        self.place = place
        self.tellsChanges = tellsChanges
        ends = gateway.now() + ActiveSettings.subscriptionMilliseconds(gateway.state.store.view)
        self.loop = loop
        self.gateway = gateway
    }

    // MARK: The socket

    func socketStands(_ socket: PushSocket) {
        self.socket = socket
        let store: Store = gateway.state.store
        // The watch is open before the first ping: whoever has seen that misses nothing from there on.
        guard let viewer, let watch = try? store.watch(from: store.view.revision + 1, filter: viewer.filter) else {
            return socket.close()
        }
        self.watch = watch
        socket.send(SubscribedEvent.ping(time: gateway.now()))
        guard self.socket != nil else { return }
        viewer.enter(self)
        gateway.pings.round(on: loop, gateway).enter(self)
        // Which rings at once.
        watch.signal { [self] in ring() }
    }

    func socketIsFree() { goOn(nil) }

    func socketHasEnded() {
        socket = nil
        watch = nil
        alarm = nil
        place = nil
        told = []
        viewer.take()?.leave(self)
    }

    // MARK: What happens

    /// Any thread: something has happened.
    private func ring() {
        guard !isRung.exchange(true, ordering: .acquiringAndReleasing) else { return }
        loop.execute { [self] in
            // Whoever rings from here on is heard anew.
            isRung.store(false, ordering: .sequentiallyConsistent)
            goOn(nil)
        }
    }

    /// Any thread.
    func rightsMayHaveChanged() {
        mayHaveChanged.store(true, ordering: .releasing)
        ring()
    }

    func hasTurn(_ turn: PingRound.Turn) {
        guard socket != nil else { return }
        isPingDue = true
        goOn(turn)
    }

    /// Says what there is to say, as long as it is taken.
    private func goOn(_ turn: PingRound.Turn?) {
        guard !isGoingOn, let socket, socket.isFree, let viewer else { return }
        isGoingOn = true
        defer { isGoingOn = false }
        let hasChanged: Bool = mayHaveChanged.exchange(false, ordering: .acquiringAndReleasing)
        if hasChanged || isPingDue {
            // The turn's view may be older than the change that was just heard of.
            let shared: StoreView? = hasChanged ? nil : turn?.view
            let view: StoreView = shared ?? gateway.state.store.view
            guard viewer.holds(view, at: turn?.time ?? gateway.now()) else { return logOut(socket) }
        }
        if isPingDue {
            let now: Int64 = turn?.time ?? gateway.now()
            guard now < ends else { return socket.close() }
            isPingDue = false
            socket.send(turn?.frame ?? SubscribedEvent.ping(time: now))
            if self.socket != nil { gateway.pings.round(on: loop, gateway).enter(self) }
        }
        var left: Int = Self.toldAtOnce
        while socket.isFree {
            if let key: RecordKey = told.popFirst() {
                tell(key, viewer, socket)
                left -= 1
                if left <= 0, socket.isFree { return pause() }
                continue
            }
            guard let watch, let changed: [RecordKey] = next(watch) else { return socket.close() }
            guard !changed.isEmpty else { break }
            let now: Int64 = gateway.now()
            told = changed.filter { coalescer.changed($0, now: now) }[...]
            if told.count < changed.count { setAlarm() }
        }
    }

    private func logOut(_ socket: PushSocket) {
        socket.send(SubscribedEvent.logout)
        socket.close()
    }

    /// What the next event of the watch is about; empty when there is none now.
    ///
    /// A subscriber that cannot follow is closed by the watch: it lists again and subscribes anew.
    ///
    /// - Returns: nil at the end of the watch.
    private func next(_ watch: Watch) -> [RecordKey]? {
        do {
            while let event: WatchEvent = try watch.poll() {
                guard tellsChanges else { continue }
                let keys: [RecordKey] = Self.resources(event.changes)
                guard !keys.isEmpty else { continue }
                revision = event.revision
                return keys
            }
            return []
        } catch {
            return nil
        }
    }

    /// For what was changed again within its second.
    private func setAlarm() {
        guard alarm == nil, let due: Int64 = coalescer.nextDue else { return }
        let wait: Int64 = min(max(0, due - gateway.now()), 2 * ChangeCoalescer.intervalMilliseconds)
        let made = LoopAlarm(on: loop) { [unowned self] in alarmRings() }
        made.set(.after(milliseconds: Int(wait)))
        alarm = made
    }

    /// Goes on when others have had their turn.
    private func pause() {
        let made: LoopAlarm = alarm ?? LoopAlarm(on: loop) { [unowned self] in alarmRings() }
        made.set(.after(milliseconds: 0))
        alarm = made
    }

    private func alarmRings() {
        guard socket != nil else { return }
        alarm = nil
        told += coalescer.due(gateway.now())
        setAlarm()
        goOn(nil)
    }

    /// The resource as this caller sees it now; nothing when it does not.
    private func tell(_ key: RecordKey, _ viewer: Viewer, _ socket: PushSocket) {
        let now: Int64 = gateway.now()
        guard let look: Viewer.Look = viewer.judged(gateway.state.store.view, at: now) else { return logOut(socket) }
        let frame: ServerTextFrame? = gateway.events.frame(
            of: key,
            for: viewer,
            look,
            since: revision,
            in: gateway.state.store,
            time: now
        )
        if let frame { socket.send(frame) }
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
