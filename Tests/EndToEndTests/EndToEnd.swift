import Glibc
import Testing

/// Tests with real processes, one at a time: they share this machine's addresses and its processors.
@Suite(.serialized, .timeLimit(.minutes(10))) struct EndToEnd {
    /// `scripts/test --all`.
    static let isThorough: Bool = getenv("DROVER_ALL_TESTS") != nil
}
