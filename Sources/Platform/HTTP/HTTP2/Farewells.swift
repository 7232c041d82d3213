internal import EventLoop
internal import Limits

/// Streams whose request is not wanted any more before all of it has come.
///
/// Once the whole answer is sent a stream may be reset (RFC 9113, section 8.1), but a client that reads the answer and the reset at
/// once, while it sends, may take it all for a failure: curl 7.88 does. So what still comes is thrown away for a moment, up to
/// a bound.
struct Farewells {
    private var discarded: [Int32: Int] = [:]
    private var deadlines: [Int32: Deadline] = [:]

    /// Whether as much may come again.
    mutating func mayDiscard(_ stream: Int32, _ count: Int) -> Bool {
        discarded[stream, default: 0] += count
        return discarded[stream, default: 0] <= Limits.httpLingerBytes
    }

    /// The whole answer is sent.
    mutating func begin(_ stream: Int32, before deadline: Deadline) { deadlines[stream] = deadline }

    /// The stream is closed.
    mutating func end(_ stream: Int32) {
        discarded[stream] = nil
        deadlines[stream] = nil
    }

    /// The streams whose time is over.
    mutating func takeLate() -> [Int32] {
        guard !deadlines.isEmpty else { return [] }
        let late: [Int32] = deadlines.filter(\.value.isPast).keys.sorted()
        for stream in late { deadlines[stream] = nil }
        return late
    }

    /// When the first is late.
    var deadline: Deadline? { deadlines.values.min() }
}
