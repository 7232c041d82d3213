internal import Bytes
internal import Crypto
package import Model
package import Store
package import StoreFormat

/// Whether a token lets somebody in: decided on one view, before anything is written.
package enum JoinVerdict: Hashable, Sendable {
    /// It is good, and not used yet.
    case admit(RecordKey, JoinTokenRecord, Revision)
    /// It has let in the node or host of this number before; whether that is the one who asks, is for the caller to find out.
    case used(RecordKey, JoinTokenRecord, by: UInt64)
    case refused(JoinRefusal, RecordKey?)

    /// - Parameters:
    ///   - text: as it came from whoever wants to join.
    ///   - role: what the door that it came to is for.
    ///   - fingerprint: of this cluster's authority.
    ///   - now: milliseconds since 1970.
    package static func judge(
        _ text: String,
        role: PeerIdentity.Role,
        fingerprint: [UInt8],
        in view: StoreView,
        now: Int64
    ) -> JoinVerdict {
        guard let token = JoinToken(text) else { return .refused(.unknown, nil) }
        let found: (key: RecordKey, record: JoinTokenRecord, revision: Revision)? = stored(token.id, in: view)
        // The comparison is made whether there is such a token or not: the time must not tell.
        let isSecret: Bool = ConstantTime.equals(
            Array(token.secretHash.utf8),
            Array((found?.record.secretHash ?? String(repeating: "-", count: 2 * SHA256.byteCount)).utf8)
        )
        let isOurs: Bool = ConstantTime.equals(token.fingerprint, fingerprint)
        guard let found, isSecret, isOurs else { return .refused(.unknown, nil) }
        // Whoever comes this far holds the secret, and may know what became of the token.
        guard found.record.removed == nil else { return .refused(.unknown, found.key) }
        guard found.record.role == role.rawValue, token.role == role else {
            return .refused(.wrongRole(found.record.role), found.key)
        }
        guard now < found.record.expires else { return .refused(.expired, found.key) }
        if found.record.used != nil {
            guard let user: UInt64 = found.record.usedBy else { return .refused(.used, found.key) }
            return .used(found.key, found.record, by: user)
        }
        return .admit(found.key, found.record, found.revision)
    }

    private static func stored(
        _ id: String,
        in view: StoreView
    ) -> (key: RecordKey, record: JoinTokenRecord, revision: Revision)? {
        guard let key: RecordKey = view.holder(JoinTokenRecord.uniqueKey(id)), let stored: Record = view.get(key),
            let record = try? JoinTokenRecord(document: stored.document)
        else { return nil }
        return (key, record, stored.revision)
    }
}

/// Why nobody is let in.
package enum JoinRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Malformed, withdrawn, of another cluster, never made here, or with a wrong secret: all the same to who asks.
    case unknown
    case used
    case expired
    /// It is for the other role.
    case wrongRole(String)

    /// What went wrong and what to do, for whoever asked.
    package var description: String {
        switch self {
        case .unknown:
            "this cluster knows no such join token: make one with 'drover cluster token' on this cluster, and pass it whole"
        case .used:
            "this join token has let somebody in already: make a new one with 'drover cluster token' for each who joins"
        case .expired: "this join token has expired: make a new one with 'drover cluster token'"
        case .wrongRole(let role):
            "this join token is for a \(role): make one for the role that is wanted with 'drover cluster token --role ROLE'"
        }
    }

    /// One word for the log.
    package var word: String {
        switch self {
        case .unknown: "unknown"
        case .used: "used"
        case .expired: "expired"
        case .wrongRole: "wrongRole"
        }
    }
}
