internal import CLinux

/// Bits of epoll, as numbers.
enum Readiness {
    static let input: UInt32 = EPOLLIN.rawValue
    static let output: UInt32 = EPOLLOUT.rawValue
    static let hangup: UInt32 = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
    static let peerClosed: UInt32 = EPOLLRDHUP.rawValue
    static let edgeTriggered: UInt32 = EPOLLET.rawValue
}

/// What a loop watches: told when its descriptor becomes ready, on the loop's thread.
protocol Watched: AnyObject {
    func ready(_ events: UInt32)
    /// The loop ends.
    func loopEnds()
}

/// Who waits for which epoll event.
///
/// A token is a slot and its generation, so an event that was fetched before a descriptor was closed
/// can never reach the connection that took its place. References are weak: a stream that
/// nobody holds any more closes itself. Used on the loop's thread only.
final class Registry {
    static let wakeupToken: UInt64 = .max

    private struct Slot {
        weak var watched: (any Watched)?
    }

    private var slots: [Slot] = []
    /// Beside the slots: whoever only compares it copies no weak reference.
    private var generations: [UInt32] = []
    private var free: [Int] = []

    func add(_ watched: any Watched) -> UInt64 {
        if let index = free.popLast() {
            slots[index].watched = watched
            return token(index)
        }
        slots.append(Slot(watched: watched))
        generations.append(0)
        return token(slots.count - 1)
    }

    func remove(_ token: UInt64) {
        guard let index = index(of: token) else { return }
        slots[index].watched = nil
        generations[index] &+= 1
        free.append(index)
    }

    func deliver(_ events: UInt32, to token: UInt64) {
        guard let index = index(of: token) else { return }
        // In place: to copy a slot is to copy a weak reference.
        let watched: (any Watched)? = slots.withUnsafeBufferPointer {
            $0.baseAddress.flatMap { ($0 + index).pointee.watched }
        }
        watched?.ready(events)
    }

    func closeAll() {
        for watched in slots.compactMap(\.watched) { watched.loopEnds() }
    }

    private func token(_ index: Int) -> UInt64 {
        UInt64(generations[index]) << 32 | UInt64(index)
    }

    private func index(of token: UInt64) -> Int? {
        let index = Int(token & 0xFFFF_FFFF)
        guard index < generations.count, generations[index] == UInt32(token >> 32) else { return nil }
        return index
    }
}
