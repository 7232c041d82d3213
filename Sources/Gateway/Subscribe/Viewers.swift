import Bytes
import Crypto
import HTTP
import Synchronization

/// The ``Viewer``s of a gateway.
final class Viewers: Sendable {
    private struct Entry {
        let id: ObjectIdentifier
        weak var viewer: Viewer?
    }

    private let known = Mutex<[[UInt8]: Entry]>([:])

    /// How many there are that others may join.
    var count: Int { known.withLock { $0.count } }

    /// Whoever asks like this in the environment.
    func viewer(of exchange: Exchange, project: UInt64, _ changes: RightsChanges) -> Viewer {
        let request: LastingRequest = exchange.lasting
        guard let digest: [UInt8] = Self.digest(request, exchange.caller, project) else {
            return Viewer(exchange, request, project: project, digest: nil, self, changes)
        }
        if let there: Viewer = known.withLock({ Self.viewer(digest, in: $0) }) { return there }
        let made = Viewer(exchange, request, project: project, digest: digest, self, changes)
        let kept: Viewer = known.withLock { known in
            if let there: Viewer = Self.viewer(digest, in: known) { return there }
            known[digest] = Entry(id: ObjectIdentifier(made), viewer: made)
            return made
        }
        // One that is not kept is let go of here, not under the lock that it takes then.
        return withExtendedLifetime(made) { kept }
    }

    private static func viewer(_ digest: [UInt8], in known: [[UInt8]: Entry]) -> Viewer? {
        guard let entry: Entry = known[digest] else { return nil }
        return entry.viewer
    }

    /// The last of those who asked like this has gone; one that was made meanwhile stays.
    func forget(_ viewer: Viewer, _ digest: [UInt8]) {
        let id = ObjectIdentifier(viewer)
        known.withLock { known in
            if known[digest]?.id == id { known[digest] = nil }
        }
    }

    /// Of everything that rights and documents follow from; of a digest, so that no secret is kept once more.
    ///
    /// - Returns: nil for what cannot be compared.
    private static func digest(_ lasting: LastingRequest, _ caller: Caller, _ project: UInt64) -> [UInt8]? {
        guard !lasting.isUnique else { return nil }
        let asked: Asked = lasting.asked
        var words = ByteWriter(reservingCapacity: 512)
        for text in [asked.request.method, asked.request.target, asked.base.text, asked.links.root, caller.authType] {
            words.string(text)
        }
        for name in LastingRequest.headers {
            let values: [String] = asked.request.headers.all(name)
            words.count(values.count)
            for value in values { words.string(value) }
        }
        words.string(lasting.certified?.forwarded ?? "")
        words.u64(project)
        for number in [caller.accountNumber, caller.credentialNumber, caller.tokenNumber] {
            words.bool(number != nil)
            words.u64(number ?? 0)
        }
        return SHA256.hash(words.bytes)
    }
}
