/// Remembers what happened: a hash over everything, and the newest events in words.
struct SimulationTrace {
    private static let kept: Int = 600

    /// FNV-1a over the numbers of every event.
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private var events: [(time: Int, text: @Sendable () -> String)] = []
    private var oldest: Int = 0

    /// - Parameter text: made only if somebody reads it.
    mutating func record(_ time: Int, _ numbers: UInt64..., text: @escaping @Sendable () -> String) {
        mix(UInt64(time))
        for number in numbers { mix(number) }
        if events.count < Self.kept {
            events.append((time, text))
        } else {
            events[oldest] = (time, text)
            oldest = (oldest + 1) % Self.kept
        }
    }

    private mutating func mix(_ number: UInt64) {
        hash = (hash ^ number) &* 0x100_0000_01B3
        hash ^= hash >> 29
    }

    var lines: [String] {
        (events[oldest...] + events[..<oldest]).map { "\($0.time)\t\($0.text())" }
    }
}
