import HTTP
import RBAC
import Store
import StoreFormat
import Synchronization

/// Those subscribers who asked in the same words: their rights are looked at once for all of them, and nothing of a request is
/// kept more than once.
final class Viewer: RightsListener {
    /// Of what happens in the environment that they asked for.
    let filter: WatchFilter
    // How they see what happens.
    let root: String
    let usesActionLinks: Bool
    let include: String?

    private let request: LastingRequest
    private let digest: [UInt8]?
    private let viewers: Viewers
    private let changes: RightsChanges
    private let state: Mutex<State>

    /// What a look at the rights has found.
    final class Look: Sendable {
        let caller: Caller
        let rights: Rights
        /// Of the records that the rights were made of; nil before they were looked at here.
        let stamp: PolicySnapshot.Stamp?
        let revision: Revision
        /// Milliseconds since 1970.
        let time: Int64

        fileprivate init(
            _ exchange: Exchange,
            _ stamp: PolicySnapshot.Stamp?,
            _ revision: Revision,
            _ time: Int64
        ) {
            caller = exchange.caller
            rights = exchange.rights
            self.stamp = stamp
            self.revision = revision
            self.time = time
        }
    }

    private struct State {
        var look: Look
        var listening: UInt64?
        /// Who is to hear that the rights may have changed.
        var members: [ObjectIdentifier: Subscription] = [:]
    }

    /// - Parameters:
    ///   - exchange: the first of the requests, with the rights of its moment.
    ///   - digest: of the words; nil for who shares them with nobody.
    init(
        _ exchange: Exchange,
        _ request: LastingRequest,
        project: UInt64,
        digest: [UInt8]?,
        _ viewers: Viewers,
        _ changes: RightsChanges
    ) {
        self.request = request
        (root, usesActionLinks, include) = (exchange.links.root, exchange.usesActionLinks, exchange.query["include"])
        filter = WatchFilter(scopes: [project])
        self.digest = digest
        self.viewers = viewers
        self.changes = changes
        state = Mutex(State(look: Look(exchange, nil, 0, 0)))
    }

    deinit {
        if let digest { viewers.forget(self, digest) }
    }

    // MARK: Who listens

    func enter(_ subscription: Subscription) {
        state.withLock { state in
            state.members[ObjectIdentifier(subscription)] = subscription
            // Whoever enters looks at the rights after this: under the lock, so that it is after the listening has begun.
            if state.listening == nil {
                state.listening = changes.listen(self, for: exchange(state.look, .empty))
            }
        }
    }

    func leave(_ subscription: Subscription) {
        state.withLock { state in
            state.members[ObjectIdentifier(subscription)] = nil
            if state.members.isEmpty, let listening: UInt64 = state.listening.take() { changes.forget(listening) }
        }
    }

    func rightsMayHaveChanged() {
        let members: [Subscription] = state.withLock { Array($0.members.values) }
        for member in members { member.rightsMayHaveChanged() }
    }

    // MARK: Rights

    /// Whether the rights are there still: looked at once for all who ask with the same view and time.
    func holds(_ view: StoreView, at time: Int64) -> Bool {
        let known: Look = state.withLock { $0.look }
        if known.stamp != nil, known.revision == view.revision, known.time == time { return true }
        return renewed(known, view, time) != nil
    }

    /// What the rights are, without looking where nothing has changed; nil when they are gone.
    ///
    /// What is told next is told by the rights of its moment.
    func judged(_ view: StoreView, at time: Int64) -> Look? {
        let known: Look = state.withLock { $0.look }
        let isOver: Bool = known.caller.subject.validUntil.map { $0 <= time } ?? false
        guard known.stamp != PolicySnapshot.Stamp(view) || isOver else { return known }
        return renewed(known, view, time)
    }

    /// The request by the rights of a look.
    func exchange(_ look: Look, _ view: StoreView) -> Exchange { request.exchange(look.caller, look.rights, view) }

    private func renewed(_ known: Look, _ view: StoreView, _ time: Int64) -> Look? {
        guard let now: Exchange = StreamRights.renewed(exchange(known, view), view, at: time),
            Subscribing.isAllowed(now)
        else { return nil }
        let look = Look(now, PolicySnapshot.Stamp(view), view.revision, time)
        state.withLock { $0.look = look }
        return look
    }
}
