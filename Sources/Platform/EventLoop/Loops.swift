internal import CLinux
internal import Glibc
internal import Limits
internal import Synchronization

/// The event loops of a process; connections are dealt out to them in turn.
package final class Loops: Sendable {
    package let all: [EventLoop]
    private let turn = Atomic<Int>(0)

    /// Starts `count` loops; without a count one for each core, at least 2 and at most ``Limits/eventLoops``.
    ///
    /// - Throws: ``NetworkFault``.
    package static func start(count: Int? = nil) throws(NetworkFault) -> Loops {
        let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let wanted: Int = count ?? max(2, min(cores, Limits.eventLoops))
        var loops: [EventLoop] = []
        for _ in 0..<max(1, wanted) { loops.append(try EventLoop.start()) }
        return Loops(loops)
    }

    private init(_ loops: [EventLoop]) {
        all = loops
    }

    /// The loop whose turn it is.
    package func next() -> EventLoop {
        let turn: Int = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return all[Int(UInt(bitPattern: turn) % UInt(all.count))]
    }

    /// Ends all loops; see ``EventLoop/stop()``.
    package func stop() async {
        for loop in all { await loop.stop() }
    }
}
