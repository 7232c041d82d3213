import Bytes
import Crypto
import Gateway
import Store
import Synchronization

/// A sealing key that is in no state; others can be put beside it, as while an authority is exchanged.
final class MemorySealing: KeySealing {
    private let keys: Mutex<[[UInt8]]>

    init(_ keys: [[UInt8]] = [SecureRandom.bytes(SealedBox.keyBytes)]) { self.keys = Mutex(keys) }

    func use(_ new: [[UInt8]]) { keys.withLock { $0 = new } }
    var current: [[UInt8]] { keys.withLock { $0 } }

    func seal(_ key: [UInt8], in view: StoreView) -> String? {
        current.first.flatMap { try? SealedBox.seal(key, key: $0, binding: [1]) }.map { Base64.encode($0) }
    }

    func open(_ sealed: String) -> [UInt8]? {
        guard let box: [UInt8] = Base64.decode(sealed) else { return nil }
        return current.lazy.compactMap { try? SealedBox.open(box, key: $0, binding: [1]) }.first
    }
}
