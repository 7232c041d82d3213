package import RaftCore

/// Carries messages to other members.
///
/// May lose, repeat and reorder them; must not block and must not alter them.
package protocol PeerTransport: Sendable {
    func send(_ message: Message, to member: MemberID)

    /// Who the members are now: open connections to new ones, close those to the gone.
    func membersChanged(_ configuration: Configuration)
}

/// For a group of one: there is nobody to talk to.
package struct NoPeers: PeerTransport {
    package init() {}
    package func send(_ message: Message, to member: MemberID) {}
    package func membersChanged(_ configuration: Configuration) {}
}
