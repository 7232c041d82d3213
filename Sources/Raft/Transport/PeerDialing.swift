package import EventLoop
package import RaftCore

/// Opens connections to other members: it knows their addresses and proves who is at either end.
package protocol PeerDialing: Sendable {
    /// A connection on `loop`, ready for the lane's frames; `leftover` was read behind the handshake.
    ///
    /// - Throws: ``PeerUnreachable``.
    func dial(
        _ member: MemberID,
        _ lane: Lane,
        on loop: EventLoop,
        before: Deadline
    ) async throws -> (stream: any ByteStream, leftover: [UInt8])
}

/// Why a member could not be reached.
package enum PeerUnreachable: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nobody listens there: its process has ended.
    case refused
    case other(String)

    package var description: String {
        switch self {
        case .refused: "nobody listens there"
        case .other(let reason): reason
        }
    }
}

/// How this member is connected to another one.
package struct PeerStatus: Hashable, Sendable {
    package let member: MemberID
    /// All lanes are there but that of snapshots, which is opened when there is one.
    package let isConnected: Bool
    /// Since anything was heard from it; nil before the first sign of life.
    package let silentMilliseconds: Int?
    package let roundTripMicroseconds: Int?
    /// Messages and calls that wait to be written to it.
    package let queued: Int
}
