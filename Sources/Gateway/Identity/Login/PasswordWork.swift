import Crypto
import EventLoop
import Limits
import Synchronization

/// Hashes passwords on threads of their own, few at a time: an event loop never waits for one, and a flood of logins takes
/// no more memory than ``Limits/passwordHashes`` hashes.
///
/// Those who wait are served in turn, and one address may have only some of the places: others get in beside a flood.
final class PasswordWork: Sendable {
    private struct State {
        var running: Int = 0
        var waiting: [(address: String, start: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    let cost: Scrypt.Cost
    /// What a login that nobody has is compared with: as dear as any other.
    private let nobody: String

    init(cost: Scrypt.Cost) {
        self.cost = cost
        nobody =
            "scrypt:\(cost.log2N):\(cost.r):\(cost.p):00000000000000000000000000000000:"
            + String(repeating: "0", count: 64)
    }

    func hash(_ password: String, from address: String) async throws(Problem) -> String {
        let made: String? = try await run(from: address) { [cost] in PasswordHash.make(password, cost: cost) }
        guard let made else { throw Self.busy }
        return made
    }

    /// - Parameter stored: nil when there is no such login; takes as long, and is never true.
    func matches(_ password: String, _ stored: String?, from address: String) async throws(Problem) -> Bool {
        let compared: String = stored ?? nobody
        let same: Bool? = try await run(from: address) { PasswordHash.matches(password, compared) }
        guard let same else { throw Self.busy }
        return same && stored != nil
    }

    /// Whether a password that was just found right should be hashed anew.
    func isOutdated(_ stored: String) -> Bool { PasswordHash.cost(of: stored) != cost }

    private static let busy = Problem(
        status: 429,
        code: "TooManyRequests",
        message: "Too many are logging in at this moment; try again."
    )

    private func run<Value: Sendable>(
        from address: String,
        _ body: @escaping @Sendable () -> Value
    ) async throws(Problem) -> Value {
        guard await enter(address) else { throw Self.busy }
        let value: Value = await Blocking.run { () throws(Never) in body() }
        leave()
        return value
    }

    private func enter(_ address: String) async -> Bool {
        let mayStart: Bool? = state.withLock { state in
            if state.running < Limits.passwordHashes {
                state.running += 1
                return true
            }
            let own: Int = state.waiting.count { $0.address == address }
            return state.waiting.count < Limits.passwordsWaiting && own < Limits.passwordsWaitingOfAddress ? nil : false
        }
        if let mayStart { return mayStart }
        await withCheckedContinuation { continuation in
            let isItNow: Bool = state.withLock { state in
                if state.running < Limits.passwordHashes {
                    state.running += 1
                    return true
                }
                state.waiting.append((address, continuation))
                return false
            }
            if isItNow { continuation.resume() }
        }
        return true
    }

    /// The place goes to whoever waits longest.
    private func leave() {
        let next: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst().start
        }
        next?.resume()
    }
}
