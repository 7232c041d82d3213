import EventLoop
import Glibc

/// How much is measured, and where.
package struct BenchOptions: Sendable {
    /// More rounds, and the cases that take minutes.
    package var isThorough: Bool
    /// Only these cases; all when empty.
    package var cases: [String]
    /// Where the folders of the servers are made: the disk below it is part of what is measured.
    package var folder: String
    /// Told what is being done.
    package var progress: @Sendable (String) -> Void

    package init(
        isThorough: Bool = false,
        cases: [String] = [],
        folder: String = "/tmp",
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.isThorough = isThorough
        self.cases = cases
        self.folder = folder
        self.progress = progress
    }

    /// Whether a case is to be measured; one that only `--thorough` includes is when it is named, too.
    func wants(_ name: String, onlyThorough: Bool = false) -> Bool {
        cases.isEmpty ? isThorough || !onlyThorough : cases.contains(name)
    }

    var rounds: Int { isThorough ? 7 : 3 }
    var seconds: Double { isThorough ? 8 : 4 }
    var warmUp: Double { 1 }
    var failovers: Int { isThorough ? 20 : 5 }

    /// A thousand clients and as many watchers need more descriptors than a shell usually allows.
    static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max
        else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
