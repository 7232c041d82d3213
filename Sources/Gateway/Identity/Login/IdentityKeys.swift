import Crypto
import Store

/// The keys under which login tokens are known, the newest first.
///
/// What is new is made under the first; what was made under another is still found until that key is retired.
enum IdentityKeys {
    static func keys(_ view: StoreView) -> [[UInt8]] {
        guard let root: [UInt8] = ClusterKeys.registration(view) else { return [] }
        return [HMAC.sha256(key: root, message: Array("drover login tokens 1".utf8))]
    }
}
