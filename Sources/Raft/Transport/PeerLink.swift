internal import EventLoop
internal import Limits
internal import RaftCore
internal import Synchronization

/// All that goes to one member, and how it is.
final class PeerLink: Sendable {
    private struct Pulse {
        var heardAt: UInt64?
        var roundTrip: UInt64?
        /// The ping that is under way.
        var ping: (number: UInt64, sentAt: UInt64)?
        var answeredAt: UInt64 = MonotonicClock.now
    }

    let member: MemberID
    let loop: EventLoop
    let calls = CallTable()
    private let me: CallFrame.Asker
    private let control: LaneLink
    private let log: LaneLink
    private let callLane: LaneLink
    private let tally: TransportTally
    private let pulse = Mutex(Pulse())
    private let numbers = Atomic<UInt64>(1)
    private let tasks = Mutex<[Task<Void, Never>]>([])

    init(
        _ member: MemberID,
        me: CallFrame.Asker,
        loop: EventLoop,
        dialing: any PeerDialing,
        tally: TransportTally,
        gone: @escaping @Sendable () -> Void
    ) {
        self.member = member
        self.me = me
        self.loop = loop
        self.tally = tally
        let box = WeakLink()
        let calls: CallTable = calls
        var quiet = LaneLink.Events()
        quiet.gone = gone
        quiet.dropped = { items, _ in tally.dropped(.queue, member, count: items.count) }
        control = LaneLink(member, .control, loop: loop, dialing: dialing, tally: tally, events: quiet)
        quiet.gone = {}
        log = LaneLink(member, .log, loop: loop, dialing: dialing, tally: tally, events: quiet)
        let events = LaneLink.Events(
            answered: { box.link?.answered($0) },
            leaving: { calls.left($0) },
            dropped: { calls.notSent($0, $1) },
            broke: {
                calls.connectionLost()
                box.link?.forgetPing()
            }
        )
        callLane = LaneLink(member, .calls, loop: loop, dialing: dialing, tally: tally, events: events)
        box.set(self)
    }

    func start() {
        let lanes: [LaneLink] = [control, log, callLane]
        var started: [Task<Void, Never>] = lanes.map { lane in
            Task(executorPreference: loop) { await lane.run() }
        }
        started.append(
            Task(executorPreference: loop) { [weak self, loop] in
                while (try? await loop.sleep(toMultipleOf: Limits.raftPingMilliseconds)) != nil { self?.ping() }
            }
        )
        tasks.withLock { $0 += started }
    }

    /// Ends all connections and fails what waits.
    func stop() {
        let running: [Task<Void, Never>] = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in running { task.cancel() }
        for lane in [control, log, callLane] { lane.reconnect() }
        calls.notSent(callLane.queue.clear(), .stopped)
        calls.stop()
    }

    /// Keeps a task that ends with the link, such as the transfer of a snapshot.
    func own(_ task: Task<Void, Never>) { tasks.withLock { $0.append(task) } }

    func send(_ message: Message) {
        let lane: LaneLink = Lane(for: message.body) == .log ? log : control
        tally.dropped(.queue, member, count: lane.queue.add(.message(message)))
    }

    /// It has connected to this member, so it can be reached.
    func nudge() {
        for lane in [control, log, callLane] { lane.nudge() }
    }

    // MARK: Signs of life

    func heard() { pulse.withLock { $0.heardAt = MonotonicClock.now } }

    var status: PeerStatus {
        let pulse: (heardAt: UInt64?, roundTrip: UInt64?) = pulse.withLock { ($0.heardAt, $0.roundTrip) }
        return PeerStatus(
            member: member,
            isConnected: control.isConnected && log.isConnected && callLane.isConnected,
            silentMilliseconds: pulse.heardAt.map { Int((MonotonicClock.now - $0) / 1_000_000) },
            roundTripMicroseconds: pulse.roundTrip.map { Int($0 / 1_000) },
            queued: control.queue.count + log.queue.count + callLane.queue.count
        )
    }

    private func ping() {
        guard callLane.isConnected else { return }
        let now: UInt64 = MonotonicClock.now
        let number: UInt64 = numbers.wrappingAdd(1, ordering: .relaxed).oldValue
        let isSilent: Bool = pulse.withLock { pulse in
            if pulse.ping == nil {
                pulse.ping = (number, now)
                pulse.answeredAt = max(pulse.answeredAt, now)
            }
            return now - pulse.answeredAt > UInt64(Limits.raftPingSilenceMilliseconds) * 1_000_000
        }
        if isSilent {
            // The other end does not answer, and may be gone without a word: nothing else would notice for minutes.
            forgetPing()
            for lane in [control, log, callLane] { lane.reconnect() }
        } else {
            pulse.withLock { $0.ping = (number, now) }
            callLane.queue.add(.call(.ping(number: number, me)))
        }
    }

    private func forgetPing() {
        pulse.withLock { pulse in
            pulse.ping = nil
            pulse.answeredAt = MonotonicClock.now
        }
    }

    private func answered(_ frame: CallFrame) {
        heard()
        switch frame {
        case .response(let number, let bytes): calls.answer(number, .success(bytes))
        case .refusal(let number, let refusal):
            let cause: CallCause =
                switch refusal {
                case .busy: .busy
                case .foreign: .refused
                case .stopped: .stopped
                }
            calls.answer(number, .failure(.notSent(cause)))
        case .pong(let number):
            let now: UInt64 = MonotonicClock.now
            pulse.withLock { pulse in
                pulse.answeredAt = now
                guard let ping = pulse.ping, ping.number == number else { return }
                pulse.roundTrip = now - ping.sentAt
                pulse.ping = nil
            }
        case .request, .cancel, .ping: tally.dropped(.unreadable, member, "a request on a connection for answers")
        }
    }

    // MARK: Calls

    func call(_ request: [UInt8], before deadline: Deadline) async throws(CallFault) -> [UInt8] {
        guard request.count <= Limits.raftCallBytes else {
            throw .notSent(.tooLarge(bytes: request.count, limit: Limits.raftCallBytes))
        }
        guard calls.count < Limits.raftCalls else { throw .notSent(.busy) }
        // It was tried a moment ago; whoever has another member to ask should not wait.
        guard !callLane.isUnreachable else { throw .notSent(.unreachable("the last attempt to connect failed")) }
        let number: UInt64 = numbers.wrappingAdd(1, ordering: .relaxed).oldValue
        let answer: CallTable.Answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if calls.add(number, before: deadline, continuation) { watchDeadlines() }
                callLane.queue.add(.call(.request(number: number, me, request)))
                if Task.isCancelled { giveUp(number, .cancelled) }
            }
        } onCancel: {
            giveUp(number, .cancelled)
        }
        return try answer.get()
    }

    /// One task for all calls that wait, not a timer for each: hardly any of them comes to its deadline.
    private func watchDeadlines() {
        let (loop, calls): (EventLoop, CallTable) = (loop, calls)
        Task(executorPreference: loop) { [weak self] in
            while let (late, next): ([UInt64], Deadline) = calls.overdue() {
                for number in late { self?.giveUp(number, .timedOut) }
                // A later call may have an earlier deadline than those that are here.
                let pause: Deadline = .after(milliseconds: Limits.raftCallSweepMilliseconds)
                guard (try? await loop.sleep(until: min(next, pause))) != nil else { return }
            }
        }
    }

    private func giveUp(_ number: UInt64, _ cause: CallCause) {
        let isWithdrawn: Bool = callLane.queue.withdraw(request: number)
        if calls.giveUp(number, cause, isWithdrawn: isWithdrawn) { callLane.queue.add(.call(.cancel(number: number))) }
    }
}

/// Lets a lane's events find the link that they belong to.
private final class WeakLink: Sendable {
    private struct Held {
        weak var link: PeerLink?
    }

    private let held = Mutex(Held())

    var link: PeerLink? { held.withLock { $0.link } }

    func set(_ link: PeerLink) { held.withLock { $0.link = link } }
}
