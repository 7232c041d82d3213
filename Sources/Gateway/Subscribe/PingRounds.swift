import EventLoop
import Store
import Synchronization
import WebSocket

/// When the subscribers of a node hear their pings, and their rights are looked at: for each event loop by itself.
final class PingRounds: Sendable {
    private let rounds = Mutex<[ObjectIdentifier: PingRound]>([:])

    /// Those of a loop.
    func round(on loop: EventLoop, _ gateway: Gateway) -> PingRound {
        rounds.withLock { rounds in
            if let there: PingRound = rounds[ObjectIdentifier(loop)] { return there }
            let made = PingRound(on: loop, gateway)
            rounds[ObjectIdentifier(loop)] = made
            return made
        }
    }
}

/// The subscribers of one loop by their turns: whoever's turn comes at about the same time has it together, with one timer, one
/// look at the rights for all who asked alike, and one frame.
final class PingRound: @unchecked Sendable {
    // @unchecked: touched by the loop's thread only; `loop` and `gateway` never change.

    /// What a turn is given to all who have it.
    struct Turn {
        let view: StoreView
        /// Milliseconds since 1970.
        let time: Int64
        let frame: ServerTextFrame
    }

    private let loop: EventLoop
    private unowned let gateway: Gateway
    /// By when it is, in ``step`` nanoseconds of the monotonic clock.
    private var turns: [UInt64: [Subscription]] = [:]
    private var alarm: LoopAlarm?
    /// For which the alarm is set.
    private var next: UInt64 = .max

    /// Turns are this part of the pace apart.
    private static let parts: UInt64 = 50
    /// So many have a turn together, as long as there is an earlier one that is not full: many who came at once must not
    /// keep the loop from everything else every time.
    private static let together: Int = 128

    init(on loop: EventLoop, _ gateway: Gateway) {
        self.loop = loop
        self.gateway = gateway
    }

    private var pace: UInt64 { UInt64(max(1, gateway.timing.rightsMilliseconds)) * 1_000_000 }
    private var step: UInt64 { max(1_000_000, pace / Self.parts) }

    /// The subscription has its next turn when the pace is over, or a little before.
    func enter(_ subscription: Subscription) {
        let now: UInt64 = MonotonicClock.now
        let latest: UInt64 = (now + pace) / step
        let earliest: UInt64 = (now + pace / 2) / step + 1
        var turn: UInt64 = latest
        while turn > earliest, turns[turn, default: []].count >= Self.together { turn -= 1 }
        if turns[turn, default: []].count >= Self.together { turn = latest }
        turns[turn, default: []].append(subscription)
        if turn < next { set(turn) }
    }

    private func set(_ turn: UInt64) {
        next = turn
        let alarm: LoopAlarm = alarm ?? LoopAlarm(on: loop) { self.come() }
        self.alarm = alarm
        alarm.set(.at(nanoseconds: turn * step))
    }

    /// The alarm rings.
    private func come() {
        let now: UInt64 = MonotonicClock.now / step
        guard now >= next else {
            // The loop ends, and all that is on it.
            turns = [:]
            alarm = nil
            return
        }
        next = .max
        for turn in turns.keys.sorted() where turn <= now {
            let whose: [Subscription] = turns.removeValue(forKey: turn) ?? []
            let time: Int64 = gateway.now()
            let shared = Turn(
                view: gateway.state.store.view,
                time: time,
                frame: SubscribedEvent.ping(time: time)
            )
            for subscription in whose { subscription.hasTurn(shared) }
        }
        // Without one nothing keeps this, which belongs to the gateway only.
        if let first: UInt64 = turns.keys.min() { set(first) } else { alarm = nil }
    }
}
