import Model
import Synchronization

/// How many subscriptions of each environment are open on this node.
final class WatchPlaces: Sendable {
    private let counts = Mutex<[UInt64: Int]>([:])

    func count(of project: UInt64) -> Int { counts.withLock { $0[project] ?? 0 } }

    /// A place that is kept as long as somebody holds it.
    ///
    /// - Throws: 403 `QuotaExceeded`.
    func take(_ project: UInt64, limit: Int64?) throws(Problem) -> WatchPlace {
        let used: Int? = counts.withLock { counts in
            let used: Int = counts[project] ?? 0
            if let limit, used >= limit { return used }
            counts[project] = used + 1
            return nil
        }
        if let used {
            throw .quota(.init(name: .watches, used: Int64(used), wanted: 1, limit: limit ?? 0), of: project)
        }
        return WatchPlace(self, project)
    }

    fileprivate func give(back project: UInt64) {
        counts.withLock { counts in
            let left: Int = (counts[project] ?? 1) - 1
            counts[project] = left > 0 ? left : nil
        }
    }
}

/// The place of one subscription; letting go of it, also before anything was sent, gives it back.
final class WatchPlace: Sendable {
    private let places: WatchPlaces
    private let project: UInt64

    fileprivate init(_ places: WatchPlaces, _ project: UInt64) {
        (self.places, self.project) = (places, project)
    }

    deinit { places.give(back: project) }
}
