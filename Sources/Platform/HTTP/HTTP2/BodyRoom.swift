/// Room for the longer bodies of one connection's requests, given in the order in which it is asked for.
struct BodyRoom {
    private var free: Int
    private var taken: [Int32: Int] = [:]
    private var waiting: [(stream: Int32, bytes: Int)] = []

    init(bytes: Int) { free = bytes }

    /// Whether the stream has it now; else ``release(_:)`` tells.
    mutating func ask(_ stream: Int32, _ bytes: Int) -> Bool {
        guard waiting.isEmpty, bytes <= free else {
            waiting.append((stream, bytes))
            return false
        }
        give(stream, bytes)
        return true
    }

    /// Takes back what a stream has or waits for; returns whose turn it is now.
    mutating func release(_ stream: Int32) -> [Int32] {
        free += taken.removeValue(forKey: stream) ?? 0
        waiting.removeAll { $0.stream == stream }
        var given: [Int32] = []
        while let first = waiting.first, first.bytes <= free {
            waiting.removeFirst()
            give(first.stream, first.bytes)
            given.append(first.stream)
        }
        return given
    }

    private mutating func give(_ stream: Int32, _ bytes: Int) {
        free -= bytes
        taken[stream] = bytes
    }
}
