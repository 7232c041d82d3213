import Bytes
import Crypto
import JSON
import Limits

/// The keys that a provider signs with, as it publishes them (JSON Web Key Set, RFC 7517).
///
/// Keys for other uses and of other kinds are left out: symmetric ones above all.
struct SignatureKeySet: Sendable {
    struct Entry: Sendable {
        /// nil for a key without a name.
        var id: String?
        var key: SignatureKey
    }

    let entries: [Entry]

    init(_ document: JSONValue) {
        let keys: [JSONValue] = document["keys"]?.array ?? []
        entries = keys.prefix(Limits.providerKeys).compactMap { Self.entry($0) }
    }

    private static func entry(_ key: JSONValue) -> Entry? {
        if let use: String = key["use"]?.string, use != "sig" { return nil }
        func bytes(_ name: String) -> [UInt8]? { key[name]?.string.flatMap { Base64URL.decode($0[...]) } }
        let made: SignatureKey?
        switch key["kty"]?.string {
        case "RSA":
            guard let modulus: [UInt8] = bytes("n"), let exponent: [UInt8] = bytes("e") else { return nil }
            made = SignatureKey(rsaModulus: modulus, exponent: exponent)
        case "EC":
            guard key["crv"]?.string == "P-256", let x: [UInt8] = bytes("x"), let y: [UInt8] = bytes("y") else {
                return nil
            }
            made = SignatureKey(p256X: x, y: y)
        default: return nil
        }
        guard let made else { return nil }
        // A key that says what it is for is for nothing else.
        if let algorithm: String = key["alg"]?.string, algorithm != made.algorithm.rawValue { return nil }
        return Entry(id: key["kid"]?.string, key: made)
    }

    /// Those that may have signed a token with this header.
    func candidates(_ algorithm: SignatureKey.Algorithm, id: String?) -> [SignatureKey] {
        entries.filter { $0.key.algorithm == algorithm && (id == nil || $0.id == nil || $0.id == id) }.map(\.key)
    }
}

/// Base64 for addresses and tokens, without padding (RFC 4648, section 5).
enum Base64URL {
    static func encode(_ bytes: [UInt8]) -> String {
        let text: [UInt8] = Base64.encode(bytes).utf8.compactMap { byte in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: byte
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// nil for what is not in this alphabet.
    static func decode(_ text: Substring) -> [UInt8]? {
        var plain: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"): plain.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): plain.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
            default: plain.append(byte)
            }
        }
        plain += [UInt8](repeating: UInt8(ascii: "="), count: (4 - plain.count % 4) % 4)
        return Base64.decode(String(decoding: plain, as: UTF8.self))
    }
}
