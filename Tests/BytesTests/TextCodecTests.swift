import TestSupport
import Testing

@testable import Bytes

struct TextCodecTests {
    // RFC 4648, section 10.
    static let base64: [(String, String)] = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: base64)
    func `base64 is that of the standard`(plain: String, encoded: String) {
        #expect(Base64.encode(plain.utf8) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "====", "A===", "Zh==", "Zm9=", "Z m9", "Zm9v\n", "Zm9-", "=Zg=", "Zg==Zg==", "Zé==",
    ])
    func `base64 that is not canonical is refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func `hexadecimal is read in either case and written in lower`() {
        #expect(Hex.encode([0, 0x9A, 0xFF]) == "009aff")
        #expect(Hex.decode("009AfF") == [0, 0x9A, 0xFF])
        #expect(Hex.decode("") == [])
        for text in ["0", "0g", "0x00", " 00", "00é", "+1"] { #expect(Hex.decode(text) == nil) }
    }

    @Test(arguments: 0..<10)
    func `any bytes survive both`(seed: UInt64) {
        var random = Seeded(seed)
        for count in 0..<100 {
            let bytes: [UInt8] = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            guard Base64.decode(Base64.encode(bytes)) == bytes, Hex.decode(Hex.encode(bytes)) == bytes else {
                Issue.record("seed \(seed): \(bytes)")
                return
            }
        }
    }
}
