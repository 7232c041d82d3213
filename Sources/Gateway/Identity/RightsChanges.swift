import EventLoop
import HTTP
import Model
import RBAC
import Store
import StoreFormat
import Synchronization

/// Tells open streams that the rights behind them may have changed, as soon as the change is applied on this node.
///
/// One watch for all streams of a node, alive while there are any. It tells only those whose account, environment or
/// credential a change is about; changes that may concern everybody (settings, memberships by group) tell all.
final class RightsChanges: Sendable {
    private let store: Store
    private let state = Mutex(State())

    private struct State {
        var next: UInt64 = 1
        var listeners: [UInt64: Entry] = [:]
        /// By account or environment.
        var concerned: [UInt64: Set<UInt64>] = [:]
        var watching: Task<Void, Never>?
    }

    private struct Entry {
        weak var listener: (any RightsListener)?
        var subjects: [UInt64]
    }

    private static let tables: Set<Table> = [
        .account, .credential, .projectMember, .loginToken, .setting, .roleTemplate, .accessRole, .accessRoleBinding,
    ]

    init(_ store: Store) {
        self.store = store
    }

    /// How many listen.
    var count: Int { state.withLock { $0.listeners.count } }

    /// The bell of one stream; letting go of it ends the listening.
    func bell(for exchange: Exchange) -> RightsBell {
        let bell = RightsBell(on: exchange.connection.loop, self)
        let id: UInt64 = listen(bell, for: exchange)
        bell.listening.withLock { $0 = id }
        return bell
    }

    /// From here on the listener is told; to be ended by ``forget(_:)`` with what this returns.
    func listen(_ listener: any RightsListener, for exchange: Exchange) -> UInt64 {
        let subjects: [UInt64] = [exchange.caller.accountNumber, exchange.projectNumber].compactMap(\.self)
        let loop: EventLoop = exchange.connection.loop
        return state.withLock { state in
            let id: UInt64 = state.next
            state.next += 1
            state.listeners[id] = Entry(listener: listener, subjects: subjects)
            for subject in subjects { state.concerned[subject, default: []].insert(id) }
            if state.watching == nil { state.watching = start(on: loop) }
            return id
        }
    }

    func forget(_ id: UInt64) {
        let idle: Task<Void, Never>? = state.withLock { state in
            guard let entry: Entry = state.listeners.removeValue(forKey: id) else { return nil }
            for subject in entry.subjects {
                state.concerned[subject]?.remove(id)
                if state.concerned[subject]?.isEmpty ?? false { state.concerned[subject] = nil }
            }
            guard state.listeners.isEmpty else { return nil }
            defer { state.watching = nil }
            return state.watching
        }
        idle?.cancel()
    }

    /// Called with the lock held: begins after what every listener has looked at, or will look at, itself.
    private func start(on loop: EventLoop) -> Task<Void, Never> {
        let first: Revision = store.view.revision + 1
        return Task(executorPreference: loop) { [weak self, store] in
            var from: Revision = first
            while !Task.isCancelled {
                guard let watch = try? store.watch(from: from, filter: WatchFilter(tables: Self.tables)) else { break }
                do throws(WatchEnded) {
                    while let event: WatchEvent = try await watch.next() {
                        from = event.revision + 1
                        self?.tell(event)
                    }
                } catch {
                    // What was missed may have been about anybody.
                    from = store.view.revision + 1
                    self?.ring(nil)
                    if case .storeClosed = error { break }
                }
            }
        }
    }

    private func tell(_ event: WatchEvent) {
        var subjects: Set<UInt64> = []
        for change in event.changes {
            switch change.key.table {
            case .account: subjects.insert(change.key.number)
            case .credential, .loginToken:
                // A key or a login that is new takes nobody's rights away.
                guard let before: Record = change.before,
                    let record = try? CredentialRecord(document: before.document)
                else { continue }
                if let owner: UInt64 = record.accountID { subjects.insert(owner) }
            case .projectMember:
                for record in [change.before, change.after].compactMap(\.self) {
                    guard let member = try? ProjectMemberRecord(document: record.document) else { continue }
                    guard let account: UInt64 = member.memberAccountID else { return ring(nil) }
                    subjects.insert(account)
                }
            case .accessRoleBinding:
                for record in [change.before, change.after].compactMap(\.self) {
                    guard let named: Set<UInt64> = Self.accounts(of: record) else { return ring(nil) }
                    subjects.formUnion(named)
                }
            default: return ring(nil)
            }
        }
        ring(subjects)
    }

    /// The accounts that a binding names; nil when it names keys or people of elsewhere.
    private static func accounts(of record: Record) -> Set<UInt64>? {
        guard let binding = try? AccessRoleBindingRecord(document: record.document) else { return nil }
        var accounts: Set<UInt64> = []
        for subject in binding.subjects {
            guard case .account(let number)? = AccessSubject.identity(subject) else { return nil }
            accounts.insert(number)
        }
        return accounts
    }

    /// - Parameter subjects: nil for all.
    private func ring(_ subjects: Set<UInt64>?) {
        let listeners: [any RightsListener] = state.withLock { state in
            guard let subjects else { return state.listeners.values.compactMap(\.listener) }
            let ids: Set<UInt64> = subjects.reduce(into: []) { $0.formUnion(state.concerned[$1] ?? []) }
            return ids.compactMap { state.listeners[$0] }.compactMap(\.listener)
        }
        for listener in listeners { listener.rightsMayHaveChanged() }
    }
}

/// Who wants to hear that the rights behind a stream may have changed.
protocol RightsListener: AnyObject, Sendable {
    /// Called on any thread.
    func rightsMayHaveChanged()
}

/// What one stream waits by: rung when the rights behind it may have changed.
final class RightsBell: RightsListener {
    private let changes: RightsChanges
    // Rights may have changed between the request and this moment: they are looked at once at the beginning.
    private let bell: LoopBell
    fileprivate let listening = Mutex<UInt64?>(nil)

    fileprivate init(on loop: EventLoop, _ changes: RightsChanges) {
        self.changes = changes
        bell = LoopBell(on: loop, isRung: true)
    }

    deinit {
        if let id: UInt64 = listening.withLock({ $0 }) { changes.forget(id) }
    }

    /// Returns after the time, or as soon as it is rung; at once if it was since the last call.
    func wait(milliseconds: Int) async -> LoopBell.Outcome {
        await bell.wait(until: .after(milliseconds: milliseconds))
    }

    func rightsMayHaveChanged() { bell.ring() }
}
