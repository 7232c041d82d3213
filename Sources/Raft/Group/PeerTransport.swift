package import RaftCore
package import RaftLog

/// Carries messages to other members.
///
/// May lose, repeat and reorder them; must not block and must not alter them.
package protocol PeerTransport: Sendable {
    func send(_ message: Message, to member: MemberID)

    /// Who the members are now: open connections to new ones, close those to the gone.
    func membersChanged(_ configuration: Configuration)

    /// Carries a snapshot to a member that installs it; `done` is called once, with whether it did.
    func sendSnapshot(
        _ snapshot: OutgoingSnapshot,
        to member: MemberID,
        done: @escaping @Sendable (SnapshotOutcome) -> Void
    )
}

extension PeerTransport {
    package func sendSnapshot(
        _ snapshot: OutgoingSnapshot,
        to member: MemberID,
        done: @escaping @Sendable (SnapshotOutcome) -> Void
    ) {
        done(.failed("this transport carries no snapshots"))
    }
}

/// What a transport hands to the member that it works for.
///
/// All calls may come from any thread and return soon; those about snapshots wait for the disk.
package protocol PeerReceiver: Sendable {
    func receive(_ message: Message)

    /// Nobody listens at the member's address: its process has ended.
    func peerGone(_ member: MemberID)

    /// A member offers a snapshot. One transfer is taken in at a time; a newer offer ends the one before it.
    func offered(_ about: SnapshotAbout, from member: MemberID) async -> SnapshotReply

    /// The next bytes of the transfer.
    ///
    /// - Returns: ``SnapshotReply/proceed(transfer:offset:)`` with where it stands now, or a refusal.
    func took(_ bytes: [UInt8], at offset: UInt64, transfer: UInt64) async -> SnapshotReply

    /// All bytes were sent: verify, install.
    func completed(transfer: UInt64) async -> SnapshotReply
}

package enum SnapshotReply: Hashable, Sendable {
    /// Go on at `offset`; `transfer` is the number to name in what follows.
    case proceed(transfer: UInt64, offset: UInt64)
    /// The member has it now, or something newer.
    case installed
    /// Another one is being installed: connect again in a moment.
    case later
    case refused(String)
}

package enum SnapshotOutcome: Hashable, Sendable {
    case installed
    case failed(String)
}

/// A snapshot that waits to be sent.
package struct OutgoingSnapshot: Sendable {
    package let about: SnapshotAbout
    /// Up to so many bytes from an offset on.
    package let read: @Sendable (UInt64, Int) async throws(LogFault) -> [UInt8]

    package init(
        about: SnapshotAbout,
        read: @escaping @Sendable (UInt64, Int) async throws(LogFault) -> [UInt8]
    ) {
        self.about = about
        self.read = read
    }
}

/// For a group of one: there is nobody to talk to.
package struct NoPeers: PeerTransport {
    package init() {}
    package func send(_ message: Message, to member: MemberID) {}
    package func membersChanged(_ configuration: Configuration) {}
}
