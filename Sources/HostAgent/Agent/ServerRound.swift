/// Which server is tried next.
///
/// A round tries each known server once. After a stream that broke the others come first, in an order of chance, and the one that failed
/// comes last; after a stream that ended in good order the same server comes first.
struct ServerRound: Sendable {
    /// What a round begins with.
    enum Start: Sendable {
        /// The order in which they are given.
        case fresh
        case with(ServerURL)
        case without(ServerURL)
    }

    private(set) var waiting: [ServerURL] = []
    private var start: Start = .fresh

    /// The next round, whatever is left of this one.
    mutating func begin(_ start: Start) {
        self.start = start
        waiting = []
        isUnderWay = false
    }

    private var isUnderWay: Bool = false

    /// - Parameters:
    ///   - given: the servers of the configuration.
    ///   - learned: those that servers told of.
    /// - Returns: nil once at the end of each round, when all were tried.
    mutating func next(
        given: [ServerURL],
        learned: [ServerURL],
        using random: inout some RandomNumberGenerator
    ) -> ServerURL? {
        if !isUnderWay {
            waiting = Self.order(start, given, learned.filter { !given.contains($0) }, &random)
            isUnderWay = true
        }
        guard !waiting.isEmpty else {
            isUnderWay = false
            return nil
        }
        let url: ServerURL = waiting.removeFirst()
        // Should the round come to nothing, the next one is in another order.
        start = .without(url)
        return url
    }

    private static func order(
        _ start: Start,
        _ given: [ServerURL],
        _ learned: [ServerURL],
        _ random: inout some RandomNumberGenerator
    ) -> [ServerURL] {
        switch start {
        case .fresh: given + learned.shuffled(using: &random)
        case .with(let first): [first] + (given + learned).filter { $0 != first }.shuffled(using: &random)
        case .without(let last):
            (given + learned).filter { $0 != last }.shuffled(using: &random) + (given + learned).filter { $0 == last }
        }
    }
}
