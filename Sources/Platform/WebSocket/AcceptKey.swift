internal import Bytes
internal import Crypto

/// Proves that the answer comes from somebody who speaks WebSocket (RFC 6455, section 4.2.2).
enum AcceptKey {
    private static let identifier: String = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    static func answer(to key: String) -> String {
        Base64.encode(SHA1.hash(Array((key + identifier).utf8)))
    }
}
