import Bytes
import Crypto
import JSON
import Limits
import Model
package import Store
import StoreFormat
import Synchronization

/// Seals what must not stand in the state in clear; the node implements it with a key that is in no state and no backup.
package protocol KeySealing: Sendable {
    /// nil when this node cannot seal now.
    func seal(_ key: [UInt8], in view: StoreView) -> String?
    /// nil when this node has no key that opens it.
    func open(_ sealed: String) -> [UInt8]?
}

/// A key under which logins are known and secrets are sealed.
struct IdentityKey: Hashable, Sendable {
    /// Counts up; 0 for the one of a cluster that cannot seal.
    var id: Int64
    var bytes: [UInt8]

    /// For digests of tokens: no key is used for two things.
    var forTokens: [UInt8] { HMAC.sha256(key: bytes, message: Array("drover login tokens 1".utf8)) }
    /// For what the secrets of keys are compared with.
    var forKeys: [UInt8] { HMAC.sha256(key: bytes, message: Array("drover keys 1".utf8)) }
    fileprivate var forSecrets: [UInt8] { HMAC.sha256(key: bytes, message: Array("drover secrets 1".utf8)) }
    /// For what goes to a browser and comes back.
    var forVisits: [UInt8] { HMAC.sha256(key: bytes, message: Array("drover login visits 1".utf8)) }

    /// - Parameter place: what the secret is, so that it opens nowhere else.
    func seal(_ secret: String, place: String) -> String? {
        (try? SealedBox.seal(Array(secret.utf8), key: forSecrets, binding: Array(place.utf8))).map {
            "k\(id):\(Base64.encode($0))"
        }
    }

    fileprivate func open(_ box: [UInt8], place: String) -> String? {
        (try? SealedBox.open(box, key: forSecrets, binding: Array(place.utf8))).flatMap {
            String(validating: $0, as: UTF8.self)
        }
    }
}

/// The keys of a state, the newest first: what is new is made under the first, what is older opens with the others.
final class IdentityKeys: Sendable {
    static let member: String = "identityKeys"

    private let sealed: [(id: Int64, text: String)]
    private let sealing: (any KeySealing)?
    private let fallback: IdentityKey?
    /// Whether every node of the cluster reads secrets that are kept under a key.
    private let mayKeepSecrets: Bool
    /// Those that are open; looked for again while some are not, since a sealing key may come later.
    private let opened = Mutex<[IdentityKey]>([])

    init(_ view: StoreView, _ sealing: (any KeySealing)?) {
        self.sealing = sealing
        let stored: [JSONValue] = ClusterKeys.fields(view)?[Self.member]?.array ?? []
        sealed = stored.compactMap { entry in
            guard let id: Int64 = entry["id"]?.int, let text: String = entry["sealed"]?.string else { return nil }
            return (id, text)
        }
        mayKeepSecrets = FeatureGate.keyedSecrets.isOpen(at: ClusterKeys.level(view))
        // A cluster of a time before authorities has nothing to seal with.
        fallback =
            sealing == nil ? ClusterKeys.registration(view).map { IdentityKey(id: 0, bytes: SHA256.hash($0)) } : nil
    }

    var all: [IdentityKey] {
        if let fallback { return [fallback] }
        let known: [IdentityKey] = opened.withLock { $0 }
        if known.count == sealed.count { return known }
        let found: [IdentityKey] = sealed.compactMap { entry in
            sealing?.open(entry.text).map { IdentityKey(id: entry.id, bytes: $0) }
        }
        opened.withLock { $0 = found }
        return found
    }

    var newest: IdentityKey? { all.first }

    /// Under which the secrets of new keys are kept; nil while they cannot be.
    var forKeptSecrets: IdentityKey? { mayKeepSecrets && fallback == nil ? newest : nil }

    /// Whether the state has it, also where this node cannot open it.
    func isListed(_ id: Int64) -> Bool { sealed.contains { $0.id == id } }

    /// Whether what is sealed so opens on no node any more: its key is not in the state, or another has its number.
    func isLost(_ text: String, place: String) -> Bool {
        guard text.first == "k", let id = Int64(text.dropFirst().prefix { $0 != ":" }) else { return true }
        if fallback == nil, !isListed(id) { return true }
        return all.contains { $0.id == id } && open(text, place: place) == nil
    }

    /// A secret that ``IdentityKey/seal(_:place:)`` has sealed; nil when its key is gone.
    func open(_ text: String, place: String) -> String? {
        let parts: [Substring] = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0].first == "k", let id = Int64(parts[0].dropFirst()),
            let key: IdentityKey = all.first(where: { $0.id == id }), let box: [UInt8] = Base64.decode(String(parts[1]))
        else { return nil }
        return key.open(box, place: place)
    }

    // MARK: Making them

    static let rotation: String = "rotatekey"

    /// Makes the first key, when there is none that this node can open.
    static func ensure(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) {
        guard gateway.sealing != nil, exchange.policy.identityKeys.all.isEmpty else { return }
        try await add(&exchange, gateway) { (current) throws(Problem) in
            current.policy.identityKeys.all.isEmpty ? "a first login or secret" : nil
        }
    }

    /// Puts a new key before the others, and seals every secret under it, in one change.
    ///
    /// The others go on being good for what was made under them. Of more than ``Limits/identityKeys`` the oldest goes that no
    /// key's secret is kept under, and with it what is left of its logins.
    ///
    /// - Parameter reason: why this may be done, for the audit log; nil when there is nothing to do.
    static func add(
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        reason: (Exchange) throws(Problem) -> String?
    ) async throws(Problem) {
        guard let sealing: any KeySealing = gateway.sealing else {
            throw .conflict("This cluster has no authority, and so nothing to seal keys with.")
        }
        let fresh: [UInt8] = exchange.chance.bytes(SealedBox.keyBytes)
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            guard let why: String = try reason(current) else { return nil }
            guard let record: Record = ClusterKeys.record(current.view),
                var fields: JSONObject = ClusterKeys.fields(current.view)
            else { throw .unavailable("The cluster was not founded yet.") }
            guard let sealed: String = sealing.seal(fresh, in: current.view) else {
                throw .unavailable("This node cannot seal a key now: its sealing key does not fit. Try another node.")
            }
            let stored: [JSONValue] = try kept(fields[member]?.array ?? [], current.view)
            let id: Int64 = (stored.compactMap { $0["id"]?.int }.max() ?? 0) + 1
            let entry: JSONValue = ["id": .int(id), "created": .int(current.time), "sealed": .string(sealed)]
            fields[member] = .array([entry] + stored)
            let newest = IdentityKey(id: id, bytes: fresh)
            try OpenIDStore.reseal(&fields, under: newest, current.policy.identityKeys)
            try AssertionKeys.rotate(&fields, under: newest, current.policy.assertionKeys, at: current.time)
            var change = PlannedChange(subject: .existing(record.key), verb: rotation, type: ClusterAPI.name)
            change.decision = why
            change.preconditions = [.revision(record.key, record.revision)]
            change.writes = [
                RecordWriting.put(.clusterKeys, .known(record.key.number), fields, scope: .known(record.scope))
            ]
            return change
        }
    }

    /// Those that stay beside a new one, the newest first.
    ///
    /// A key of an account cannot be moved to the new one before somebody uses it, and must not end because nobody did.
    private static func kept(_ stored: [JSONValue], _ view: StoreView) throws(Problem) -> [JSONValue] {
        var excess: Int = stored.count - (Limits.identityKeys - 1)
        guard excess > 0 else { return stored }
        var used: Set<Int64> = []
        view.forEachRecord(in: .credential) { record in
            if let credential = try? CredentialRecord(document: record.document), credential.removed == nil,
                let id: Int64 = KeyHash.identityKey(of: credential.secretHash)
            {
                used.insert(id)
            }
            return true
        }
        var kept: [JSONValue] = []
        for entry in stored.reversed() {
            if excess > 0, !used.contains(entry["id"]?.int ?? 0) {
                excess -= 1
            } else {
                kept.insert(entry, at: 0)
            }
        }
        guard kept.count < Limits.identityKeysInUse else {
            throw .conflict(
                "\(kept.count) keys of the cluster are in use by API keys that nobody has shown since: remove API keys that are not "
                    + "needed any more, or use them, and try again."
            )
        }
        return kept
    }
}
