import Limits

/// How patient the gateway is.
package struct GatewayTiming: Sendable {
    /// How long a change goes on trying while there is no leader, or its answer is lost.
    package var requestMilliseconds: Int = Limits.requestSeconds * 1_000
    /// How long a read waits for a leader.
    package var readMilliseconds: Int = Limits.readPatienceMilliseconds
    /// How long a request waits for the revision that it asks for.
    package var revisionMilliseconds: Int = Limits.revisionWaitMilliseconds
    /// How long an owner may be silent.
    package var silenceMilliseconds: Int = Limits.forwardSilenceMilliseconds
    /// How often the rights behind a stream are looked at again.
    package var rightsMilliseconds: Int = Limits.streamRightsMilliseconds
    /// How often a forwarded stream looks where the owner is.
    package var ownerMilliseconds: Int = Limits.forwardOwnerMilliseconds
    /// How old the state may be by which callers of destinations are known.
    package var identityMilliseconds: Int = Limits.identityFreshMilliseconds
    /// How long a stream waits for somebody to own what it is about.
    package var orphanMilliseconds: Int = Limits.forwardOrphanMilliseconds

    package init() {}
}
