internal import COpenSSL

/// A private key; what is made here is EC P-256, what is read may also be P-384, Ed25519 or RSA from 2048 bits on.
///
/// Its description never shows the key.
package struct PrivateKey: Sendable, CustomStringConvertible {
    private let handle: KeyHandle

    /// A new EC P-256 key.
    package static func generate() throws(CertificateFault) -> PrivateKey {
        guard let key: OpaquePointer = copenssl_new_p256_key() else { throw .openSSL("make a P-256 key") }
        return PrivateKey(KeyHandle(key))
    }

    /// Reads a key without a password: PKCS #8, or the older forms of EC and RSA.
    package init(pem: [UInt8]) throws(CertificateFault) {
        let what: String = "the private key"
        let blocks: [PEM.Block] = try PEM.blocks(pem, what: what).filter { $0.label.hasSuffix("PRIVATE KEY") }
        guard let block = blocks.first else {
            throw CertificateFault(.malformed, "there is no 'PRIVATE KEY' in what was given as the private key")
        }
        guard blocks.count == 1 else {
            throw CertificateFault(.malformed, "there are \(blocks.count) private keys where one is wanted")
        }
        guard block.label != "ENCRYPTED PRIVATE KEY" else {
            throw CertificateFault(.unsuitable, "\(what) is encrypted with a password; give it without one")
        }
        let key: OpaquePointer? = decoded(
            block.bytes,
            { d2i_AutoPrivateKey(nil, $0, $1) },
            free: { EVP_PKEY_free($0) }
        )
        guard let key else {
            throw CertificateFault(.malformed, "\(what) cannot be read: it is damaged or of an unknown kind")
        }
        handle = KeyHandle(key)
        try KeyStrength.check(key, what)
    }

    private init(_ handle: KeyHandle) {
        self.handle = handle
    }

    /// The key as PKCS #8, without a password: it goes into a file of mode 0600 or into a sealed box.
    package var pem: [UInt8] { PEM.encode(der, label: "PRIVATE KEY") }

    package var description: String { "PrivateKey(hidden)" }

    /// Lends OpenSSL's key (an `EVP_PKEY`), which must not be changed.
    package func withHandle<Result, Failure: Error>(
        _ body: (OpaquePointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(handle.pointer)
    }

    private var der: [UInt8] {
        guard let info: OpaquePointer = EVP_PKEY2PKCS8(handle.pointer) else {
            preconditionFailure("OpenSSL could not write a private key that it holds")
        }
        defer { PKCS8_PRIV_KEY_INFO_free(info) }
        guard let bytes = encoded({ i2d_PKCS8_PRIV_KEY_INFO(info, $0) }) else {
            preconditionFailure("OpenSSL has no memory to write a private key")
        }
        return bytes
    }
}

/// Owns an `EVP_PKEY`; OpenSSL wipes it when it is freed.
///
/// `@unchecked Sendable`: the key is not changed after `init`, and OpenSSL lets any number of threads use it.
private final class KeyHandle: @unchecked Sendable, CustomReflectable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { EVP_PKEY_free(pointer) }

    var customMirror: Mirror { Mirror(self, children: []) }
}

/// Which keys are worth a signature.
enum KeyStrength {
    private static let curves: Set<String> = ["prime256v1", "P-256", "secp384r1", "P-384"]
    private static let rsaBits: Int32 = 2_048

    static func check(_ key: OpaquePointer, _ what: String) throws(CertificateFault) {
        if EVP_PKEY_is_a(key, "ED25519") == 1 { return }
        if EVP_PKEY_is_a(key, "RSA") == 1, EVP_PKEY_get_bits(key) >= rsaBits { return }
        if EVP_PKEY_is_a(key, "EC") == 1, let curve = curve(key), curves.contains(curve) { return }
        throw CertificateFault(
            .unsuitable,
            "\(what) is of a kind that is not used: take EC P-256, EC P-384, Ed25519 or RSA from 2048 bits on"
        )
    }

    private static func curve(_ key: OpaquePointer) -> String? {
        var name = [CChar](repeating: 0, count: 64)
        var length: Int = 0
        guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1, length < name.count else { return nil }
        return String(decoding: name[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
