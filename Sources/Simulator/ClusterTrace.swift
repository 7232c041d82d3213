/// Remembers what happened in a simulated cluster: a hash over everything, and words only when somebody will read them.
///
/// A run that failed is played again with words: the same seed gives the same events.
struct ClusterTrace {
    /// FNV-1a over the numbers of every event.
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    let hasWords: Bool
    /// How many events are told.
    private let kept: Int
    private var events: [String] = []
    private var oldest: Int = 0

    init(hasWords: Bool, kept: Int = 600) {
        self.hasWords = hasWords
        self.kept = kept
    }

    mutating func record(_ time: Int, _ kind: UInt64, _ text: @autoclosure () -> String) {
        record(time, kind, 0, 0, 0, text())
    }

    mutating func record(_ time: Int, _ kind: UInt64, _ one: UInt64, _ text: @autoclosure () -> String) {
        record(time, kind, one, 0, 0, text())
    }

    mutating func record(
        _ time: Int,
        _ kind: UInt64,
        _ one: UInt64,
        _ two: UInt64,
        _ text: @autoclosure () -> String
    ) {
        record(time, kind, one, two, 0, text())
    }

    mutating func record(
        _ time: Int,
        _ kind: UInt64,
        _ one: UInt64,
        _ two: UInt64,
        _ three: UInt64,
        _ text: @autoclosure () -> String
    ) {
        count(time, kind, one, two, three)
        guard hasWords else { return }
        let line: String = "\(time)\t\(text())"
        if events.count < kept {
            events.append(line)
        } else {
            events[oldest] = line
            oldest = (oldest + 1) % kept
        }
    }

    /// Something that happens so often that it would hide the rest: it counts, but is not told.
    mutating func count(_ time: Int, _ kind: UInt64, _ one: UInt64, _ two: UInt64, _ three: UInt64) {
        mix(UInt64(truncatingIfNeeded: time) << 8 | kind)
        mix(one)
        mix(two)
        mix(three)
    }

    var lines: [String] { Array(events[oldest...] + events[..<oldest]) }

    private mutating func mix(_ number: UInt64) {
        hash = (hash ^ number) &* 0x100_0000_01B3
        hash ^= hash >> 29
    }
}
