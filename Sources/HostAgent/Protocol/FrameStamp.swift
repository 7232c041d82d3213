/// What every frame carries, so that a host can refuse what comes from the past or from another cluster.
package struct FrameStamp: Hashable, Sendable {
    /// The number that the sender's cluster got when it was founded, restored or recovered, in hexadecimal.
    ///
    /// Empty only in frames of an agent that no cluster has welcomed yet. At most 64 digits.
    package var incarnation: String
    /// Grows each time another node takes over the host's environment.
    package var epoch: UInt64
    /// In a `sync`, the store's revision that it brings the host to; in an agent's frame, the one it holds.
    package var revision: UInt64

    package init(incarnation: String, epoch: UInt64, revision: UInt64) {
        self.incarnation = incarnation
        self.epoch = epoch
        self.revision = revision
    }

    /// An agent that knows no cluster.
    package static let none = FrameStamp(incarnation: "", epoch: 0, revision: 0)
}

extension FrameStamp: CustomStringConvertible {
    package var description: String {
        "incarnation \(incarnation.isEmpty ? "none" : incarnation), epoch \(epoch), revision \(revision)"
    }
}
