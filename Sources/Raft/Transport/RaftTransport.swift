package import EventLoop
internal import Limits
package import Logging
package import Metrics
package import RaftCore
package import RaftGroup
internal import RaftLog
internal import Synchronization

/// Carries what members say to each other over connections that somebody else opens and vouches for.
///
/// Each member dials the others to send, and accepts connections to receive; every ``Lane`` is a connection of its own. The
/// lanes of raft messages carry one way only. Whoever runs the listener has checked who is there before it calls
/// ``accept(_:leftover:from:_:)``; what a message says of its sender and its group must agree with that, or it is dropped,
/// counted and told.
package final class RaftTransport: PeerTransport {
    package typealias CallHandler = @Sendable (MemberID, [UInt8]) async -> [UInt8]

    struct Way: Hashable {
        let member: MemberID
        let lane: Lane
    }

    private struct State {
        var receiver: (any PeerReceiver)?
        var isStopped: Bool = false
        var links: [MemberID: PeerLink] = [:]
        var members: Configuration?
        /// The newest connection of each kind; an older one is closed.
        var accepted: [Way: any ByteStream] = [:]
        var onCall: CallHandler?
        var onNewerEntry: (@Sendable (MemberID, UInt64) -> Void)?
    }

    package let group: GroupIdentity
    package let id: MemberID
    let dialing: any PeerDialing
    let tally: TransportTally
    let logger: Logger
    private let loops: Loops
    private let state = Mutex(State())

    package init(
        group: GroupIdentity,
        id: MemberID,
        dialing: any PeerDialing,
        loops: Loops,
        logger: Logger,
        metrics: MetricsRegistry
    ) {
        self.group = group
        self.id = id
        self.dialing = dialing
        self.loops = loops
        self.logger = logger
        tally = TransportTally(logger: logger, metrics: metrics)
    }

    /// Told when a member sends an entry of a kind that this version does not know: this member must end, and say why.
    package var onNewerEntry: (@Sendable (MemberID, UInt64) -> Void)? {
        get { state.withLock { $0.onNewerEntry } }
        set { state.withLock { $0.onNewerEntry = newValue } }
    }

    /// Answers requests of other members; set it before ``start(receiver:)``.
    package var onCall: CallHandler? {
        get { state.withLock { $0.onCall } }
        set { state.withLock { $0.onCall = newValue } }
    }

    /// From now on connections are taken in and what arrives goes to `receiver`.
    ///
    /// Order: the group may have sent before; what it sent waits.
    package func start(receiver: any PeerReceiver) {
        let links: [PeerLink] = state.withLock { state in
            state.receiver = receiver
            return Array(state.links.values)
        }
        for link in links { link.start() }
    }

    /// Closes all connections; calls that wait fail.
    package func stop() {
        let (links, streams): ([PeerLink], [any ByteStream]) = state.withLock { state in
            state.isStopped = true
            defer {
                state.links = [:]
                state.accepted = [:]
                state.receiver = nil
            }
            return (Array(state.links.values), Array(state.accepted.values))
        }
        for link in links { link.stop() }
        for stream in streams { stream.close() }
    }

    // MARK: Sending

    package func send(_ message: Message, to member: MemberID) {
        link(to: member, mayMake: true)?.send(message)
    }

    package func membersChanged(_ configuration: Configuration) {
        let (gone, cut): ([PeerLink], [any ByteStream]) = state.withLock { state in
            state.members = configuration
            let gone: [MemberID] = state.links.keys.filter { !configuration.members.contains($0) }
            // What a removed member holds open is cut, too: it would go on proposing over its calls lane.
            let cut: [Way] = state.accepted.keys.filter { configuration.removed.contains($0.member) }
            return (
                gone.compactMap { state.links.removeValue(forKey: $0) },
                cut.compactMap { state.accepted.removeValue(forKey: $0) }
            )
        }
        for link in gone { link.stop() }
        for stream in cut { stream.close() }
        for member in configuration.members where member != id { _ = link(to: member, mayMake: true) }
    }

    /// How this member is connected to the others, by member.
    package func status() -> [PeerStatus] {
        state.withLock { Array($0.links.values) }.map(\.status).sorted { $0.member < $1.member }
    }

    /// Sends a request to a member and waits for its answer.
    ///
    /// - Throws: ``CallFault``, which tells whether the request may have run.
    package func call(
        _ member: MemberID,
        _ request: [UInt8],
        before deadline: Deadline
    ) async throws(CallFault) -> [UInt8] {
        guard let link = link(to: member, mayMake: false) else { throw .notSent(.noMember) }
        return try await link.call(request, before: deadline)
    }

    package func sendSnapshot(
        _ snapshot: OutgoingSnapshot,
        to member: MemberID,
        done: @escaping @Sendable (SnapshotOutcome) -> Void
    ) {
        guard let link = link(to: member, mayMake: true) else { return done(.failed("the member is gone")) }
        let sender = SnapshotSender(snapshot, from: id, to: member, dialing: dialing, loop: link.loop, tally: tally)
        link.own(Task(executorPreference: link.loop) { done(await sender.run()) })
    }

    /// The link to a member: whom the core speaks to is somebody to speak to, even if no configuration here names it yet.
    func link(to member: MemberID, mayMake: Bool) -> PeerLink? {
        let (link, isNew): (PeerLink?, Bool) = state.withLock { state in
            if let link = state.links[member] { return (link, false) }
            guard mayMake, !state.isStopped, member != id, state.members?.removed.contains(member) != true else {
                return (nil, false)
            }
            let me = CallFrame.Asker(group: group, from: id, to: member)
            let link = PeerLink(member, me: me, loop: loops.next(), dialing: dialing, tally: tally) { [weak self] in
                self?.receiver?.peerGone(member)
            }
            state.links[member] = link
            return (link, state.receiver != nil)
        }
        if isNew { link?.start() }
        return link
    }

    // MARK: Receiving

    var receiver: (any PeerReceiver)? { state.withLock { $0.receiver } }

    /// Reads from a connection that a member made, until it ends.
    ///
    /// - Parameters:
    ///   - leftover: what was read behind the handshake.
    ///   - member: who is there, as its certificate says.
    package func accept(_ stream: any ByteStream, leftover: [UInt8], from member: MemberID, _ lane: Lane) async {
        let way = Way(member: member, lane: lane)
        let (isWelcome, older): (Bool, (any ByteStream)?) = state.withLock { state in
            guard state.receiver != nil, !state.isStopped, member != id,
                state.members?.removed.contains(member) != true
            else { return (false, nil) }
            return (true, state.accepted.updateValue(stream, forKey: way))
        }
        guard isWelcome else {
            tally.dropped(.removedMember, member, "a connection of lane \(lane)")
            return stream.close()
        }
        older?.close()
        let link: PeerLink? = link(to: member, mayMake: false)
        link?.heard()
        link?.nudge()
        await withTaskExecutorPreference(stream.loop) {
            switch lane {
            case .control, .log: await self.readMessages(stream, leftover, from: member)
            case .snapshot: await self.takeSnapshots(stream, leftover, from: member)
            case .calls: await self.answerCalls(stream, leftover, from: member)
            }
        }
        stream.close()
        state.withLock { state in
            if state.accepted[way] === stream { state.accepted[way] = nil }
        }
    }
}
