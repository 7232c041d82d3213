package import JSON

/// The exchange of the cluster's authority for another one, as the record of the cluster's keys has it.
///
/// Everybody learns to believe the new one first (`trust`); then it issues all certificates anew, and the old one is still
/// believed (`issue`); then the old one is forgotten, and with it what a disk of the past could open.
package struct AuthorityRotation: Hashable, Sendable {
    package enum Phase: String, Sendable {
        case trust, issue
    }

    package var phase: Phase
    /// The one that does not issue: the new one in `trust`, the old one in `issue`, then without its key.
    package var other: SealedAuthority
    /// Names the sealing key that opens the new authority.
    package var sealingKey: String
    /// When the phase began; milliseconds since 1970.
    package var began: Int64
    /// For so long a phase waits for those that are not ready.
    package var waitSeconds: Int64
    /// For so long the first phase lasts at least: clients have to be told of the new authority, too.
    package var holdSeconds: Int64

    package init(
        phase: Phase,
        other: SealedAuthority,
        sealingKey: String,
        began: Int64,
        waitSeconds: Int64,
        holdSeconds: Int64
    ) {
        self.phase = phase
        self.other = other
        self.sealingKey = sealingKey
        self.began = began
        self.waitSeconds = waitSeconds
        self.holdSeconds = holdSeconds
    }

    /// nil when none is under way.
    package init?(_ fields: JSONObject) {
        guard let phase: Phase = fields["rotationPhase"]?.string.flatMap({ Phase(rawValue: $0) }),
            let certificate: String = fields["rotationAuthority"]?.string,
            let sealingKey: String = fields["rotationSealingKey"]?.string,
            let began: Int64 = fields["rotationBegan"]?.int
        else { return nil }
        self.init(
            phase: phase,
            other: SealedAuthority(
                certificate: certificate,
                sealedKey: fields["rotationAuthorityKey"]?.string ?? ""
            ),
            sealingKey: sealingKey,
            began: began,
            waitSeconds: fields["rotationWait"]?.int ?? 0,
            holdSeconds: fields["rotationHold"]?.int ?? 0
        )
    }

    /// Puts it into the record; nil takes it out.
    package static func write(_ rotation: AuthorityRotation?, to fields: inout JSONObject) {
        fields["rotationPhase"] = JSONValue(rotation?.phase.rawValue)
        fields["rotationAuthority"] = JSONValue(rotation?.other.certificate)
        fields["rotationAuthorityKey"] = JSONValue(
            rotation.flatMap { $0.other.sealedKey.isEmpty ? nil : $0.other.sealedKey }
        )
        fields["rotationSealingKey"] = JSONValue(rotation?.sealingKey)
        fields["rotationBegan"] = JSONValue(rotation?.began)
        fields["rotationWait"] = JSONValue(rotation?.waitSeconds)
        fields["rotationHold"] = JSONValue(rotation?.holdSeconds)
    }
}

/// Who is how far in an exchange of the authority, and whether the next phase may begin.
package struct RotationProgress: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        package var name: String
        package var isReady: Bool
        package init(name: String, isReady: Bool) {
            self.name = name
            self.isReady = isReady
        }
    }

    package enum Verdict: Hashable, Sendable {
        case wait
        /// The phase is over; those that were not ready are named.
        case advance(without: [String])
    }

    package var rotation: AuthorityRotation
    package var nodes: [Member]
    package var hosts: [Member]

    package init(rotation: AuthorityRotation, nodes: [Member], hosts: [Member]) {
        self.rotation = rotation
        self.nodes = nodes
        self.hosts = hosts
    }

    package var waitsFor: [String] { (nodes + hosts).filter { !$0.isReady }.map(\.name) }

    /// Never without a majority of the nodes: they would not believe each other any more.
    package func verdict(now: Int64) -> Verdict {
        let waited: Int64 = (now - rotation.began) / 1_000
        if rotation.phase == .trust, waited < rotation.holdSeconds { return .wait }
        let missing: [String] = waitsFor
        if missing.isEmpty { return .advance(without: []) }
        guard waited >= rotation.waitSeconds, nodes.count(where: \.isReady) > nodes.count / 2 else { return .wait }
        return .advance(without: missing)
    }
}
