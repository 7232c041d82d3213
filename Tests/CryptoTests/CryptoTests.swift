import Bytes
import Testing

@testable import Crypto

struct DigestTests {
    struct Vector: Sendable {
        var message: String
        var sha1: String
        var sha256: String
    }

    // FIPS 180-4 examples.
    static let vectors: [Vector] = [
        Vector(
            message: "",
            sha1: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        ),
        Vector(
            message: "abc",
            sha1: "a9993e364706816aba3e25717850c26c9cd0d89d",
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        ),
        Vector(
            message: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            sha1: "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            sha256: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ]

    @Test(arguments: vectors)
    func `digests are those of the standard`(_ vector: Vector) {
        #expect(Hex.encode(SHA1.hash(vector.message.utf8)) == vector.sha1)
        #expect(Hex.encode(SHA256.hash(vector.message.utf8)) == vector.sha256)
    }

    @Test func `bytes that do not lie in one piece have the same digest`() {
        let bytes: [UInt8] = Array("hello world".utf8)
        #expect(SHA256.hash(bytes.lazy.map { $0 }) == SHA256.hash(bytes))
        #expect(SHA256.hash(bytes[6...]) == SHA256.hash("world".utf8))
    }
}

struct HMACTests {
    @Test func `tags are those of RFC 4231`() {
        let first: [UInt8] = HMAC.sha256(key: [UInt8](repeating: 0x0B, count: 20), message: "Hi There".utf8)
        #expect(Hex.encode(first) == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        let second: [UInt8] = HMAC.sha256(key: "Jefe".utf8, message: "what do ya want for nothing?".utf8)
        #expect(Hex.encode(second) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let long: [UInt8] = HMAC.sha256(
            key: [UInt8](repeating: 0xAA, count: 131),
            message: "Test Using Larger Than Block-Size Key - Hash Key First".utf8
        )
        #expect(Hex.encode(long) == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test func `an empty key and an empty message have a tag`() {
        let tag: [UInt8] = HMAC.sha256(key: [UInt8](), message: [UInt8]())
        #expect(Hex.encode(tag) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }
}

struct SecretComparisonTests {
    @Test func `equal means the same bytes`() {
        #expect(ConstantTime.equals([1, 2, 3], [1, 2, 3]))
        #expect(!ConstantTime.equals([1, 2, 3], [1, 2, 4]))
        #expect(!ConstantTime.equals([0, 2, 3], [1, 2, 3]))
        #expect(!ConstantTime.equals([1, 2], [1, 2, 3]))
        #expect(!ConstantTime.equals([UInt8](), [1]))
        #expect(ConstantTime.equals([UInt8](), [UInt8]()))
    }

    @Test func `random bytes have their count and do not repeat`() {
        #expect(SecureRandom.bytes(0).isEmpty)
        #expect(SecureRandom.bytes(16).count == 16)
        let seen: Set<[UInt8]> = Set((0..<100).map { _ in SecureRandom.bytes(16) })
        #expect(seen.count == 100)
    }

    @Test func `identifiers are never the same, however many are taken at a time`() async {
        let made: [[[UInt8]]] = await withTaskGroup(of: [[UInt8]].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<5_000).map { $0 % 2 == 0 ? SecureRandom.identifier(8) : SecureRandom.identifier(13) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let all: [[UInt8]] = made.flatMap { $0 }
        #expect(Set(all).count == 20_000 && all.allSatisfy { $0.count == 8 || $0.count == 13 })
    }
}
