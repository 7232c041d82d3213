import Bytes
import Crypto
import JSON
import Limits
import Model
import Store
import StoreFormat
import Synchronization

/// The keys under which this cluster signs what it tells others of a caller, as a state has them, the newest first.
///
/// Shape: the member ``member`` of the record of the cluster's keys, an array of objects with `id`, `created` (milliseconds
/// since 1970), `x`, `y` (base64url, the public half) and `sealed` (the private half, under the newest key of the cluster
/// at that time).
///
/// A new one is published at once and signs ``Limits/assertionLeadSeconds`` later, when every node has it and whoever verifies
/// has asked for the keys again; the one before is published until nothing it has signed is good any more.
final class AssertionKeys: Sendable {
    static let member: String = "assertionKeys"

    struct Entry: Sendable {
        var id: String
        /// Milliseconds since 1970.
        var created: Int64
        var x: String
        var y: String
        var sealed: String

        fileprivate init?(_ stored: JSONValue) {
            guard let id: String = stored["id"]?.string, let created: Int64 = stored["created"]?.int,
                let x: String = stored["x"]?.string, let y: String = stored["y"]?.string,
                let sealed: String = stored["sealed"]?.string
            else { return nil }
            (self.id, self.created, self.x, self.y, self.sealed) = (id, created, x, y, sealed)
        }

        fileprivate var signsFrom: Int64 { created + Limits.assertionLeadSeconds * 1_000 }
    }

    /// Of the record that they stand in.
    let revision: Revision
    private let entries: [Entry]
    private let keys: IdentityKeys
    private let opened = Mutex<[String: SigningKey]>([:])
    private let found = Mutex<[Entry]?>(nil)

    init(_ view: StoreView, _ keys: IdentityKeys) {
        self.keys = keys
        revision = view.lastChange(in: .clusterKeys)
        entries = (ClusterKeys.fields(view)?[Self.member]?.array ?? []).compactMap { Entry($0) }
    }

    /// Whether there is none that any node of the cluster can open.
    var isNeeded: Bool { usable.isEmpty }

    // MARK: Signing

    /// The key that signs now, and its name; nil while this node cannot open it.
    func signing(at time: Int64) -> (id: String, key: SigningKey)? {
        guard let entry: Entry = current(at: time) else { return nil }
        if let key: SigningKey = opened.withLock({ $0[entry.id] }) { return (entry.id, key) }
        guard let text: String = keys.open(entry.sealed, place: Self.place(entry.id)),
            let der: [UInt8] = Base64.decode(text), let key = SigningKey(der: der)
        else { return nil }
        opened.withLock { $0[entry.id] = key }
        return (entry.id, key)
    }

    /// Those that some node of the cluster can open; looked at once for a state.
    private var usable: [Entry] {
        if let known: [Entry] = found.withLock({ $0 }) { return known }
        let usable: [Entry] = entries.filter { !keys.isLost($0.sealed, place: Self.place($0.id)) }
        found.withLock { $0 = usable }
        return usable
    }

    /// The only one signs at once: there is none before it that could.
    private func current(at time: Int64) -> Entry? {
        let usable: [Entry] = usable
        return usable.first { $0.signsFrom <= time } ?? usable.last
    }

    // MARK: Publishing

    /// Those under which something may be signed that is good.
    func published(at time: Int64) -> [Entry] {
        entries.enumerated().filter { index, _ in
            guard index > 0 else { return true }
            return entries[index - 1].signsFrom + Limits.assertionKeptSeconds * 1_000 > time
        }.map(\.element)
    }

    /// A JSON Web Key Set (RFC 7517).
    func document(at time: Int64) -> JSONValue {
        [
            "keys": .array(
                published(at: time).map { entry in
                    [
                        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": .string(entry.id),
                        "x": .string(entry.x), "y": .string(entry.y),
                    ]
                }
            )
        ]
    }

    // MARK: Making them

    /// Puts a new key before the others, and leaves out those that are not published any more.
    ///
    /// The others are sealed under `key` as well; one that does not open any more can sign nothing, and is published on.
    ///
    /// - Throws: 503 when it cannot be sealed.
    static func add(
        _ fresh: SigningKey,
        to fields: inout JSONObject,
        under key: IdentityKey,
        _ known: AssertionKeys,
        at time: Int64
    ) throws(Problem) {
        var stored: [JSONValue] = []
        let id: String = Hex.encode(SHA256.hash(fresh.x + fresh.y).prefix(16))
        guard let sealed: String = key.seal(Base64.encode(fresh.der), place: place(id)) else {
            throw .unavailable("This node has no key to seal another with; try another node.")
        }
        stored.append([
            "id": .string(id), "created": .int(time), "x": .string(Base64URL.encode(fresh.x)),
            "y": .string(Base64URL.encode(fresh.y)), "sealed": .string(sealed),
        ])
        // One that has signed nothing yet, on no node whatever its clock says, is not needed when there is a newer one.
        let current: String? = known.current(at: time)?.id
        let needed: [Entry] = known.published(at: time).filter {
            $0.signsFrom <= time + Limits.providerClockSeconds * 1_000 || $0.id == current
        }
        for entry in needed.prefix(Limits.assertionKeys - 1) {
            let again: String? = known.keys.open(entry.sealed, place: place(entry.id)).flatMap {
                key.seal($0, place: place(entry.id))
            }
            stored.append([
                "id": .string(entry.id), "created": .int(entry.created), "x": .string(entry.x),
                "y": .string(entry.y), "sealed": .string(again ?? entry.sealed),
            ])
        }
        fields[member] = .array(stored)
    }

    /// Makes a new key when the cluster makes one of its others anew; a cluster that has signed nothing needs none.
    static func rotate(
        _ fields: inout JSONObject,
        under key: IdentityKey,
        _ known: AssertionKeys,
        at time: Int64
    ) throws(Problem) {
        guard !known.entries.isEmpty else { return }
        guard let fresh: SigningKey = .generate() else { throw .unavailable("No key can be made now; try again.") }
        try add(fresh, to: &fields, under: key, known, at: time)
    }

    private static func place(_ id: String) -> String { "assertion key \(id)" }
}
