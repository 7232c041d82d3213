import Limits

/// How long to wait before the next attempt: twice as long each time, up to a bound, with half of it left to chance so
/// that many hosts do not come back at once.
struct Backoff {
    private static let firstMilliseconds: Int = 250
    private var attempts: Int = 0

    mutating func reset() { attempts = 0 }

    mutating func next() -> Int {
        let full: Int = min(Limits.hostReconnectSeconds * 1_000, Self.firstMilliseconds << min(attempts, 16))
        attempts += 1
        return full / 2 + Int.random(in: 0...(full / 2))
    }
}
