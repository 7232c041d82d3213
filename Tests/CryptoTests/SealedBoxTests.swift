import Bytes
import Testing

@testable import Crypto

struct SealedBoxTests {
    let key: [UInt8] = Array(0..<32)
    let binding: [UInt8] = Array("cluster 1, record 6".utf8)

    @Test(arguments: [0, 1, 15, 16, 17, 4_096, 1_000_003])
    func `what was sealed comes out again`(count: Int) throws {
        let plain: [UInt8] = SecureRandom.bytes(count)
        let sealed: [UInt8] = try SealedBox.seal(plain, key: key, binding: binding)
        #expect(sealed.count == 12 + count + 16)
        #expect(try SealedBox.open(sealed, key: key, binding: binding) == plain)
        #expect(try SealedBox.open(SealedBox.seal(plain, key: key, binding: []), key: key, binding: []) == plain)
    }

    // The GCM specification, test case 16: AES-256 with additional data.
    @Test func `a box of the standard opens`() throws {
        let key: [UInt8] = try #require(Hex.decode("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"))
        let nonce: String = "cafebabefacedbaddecaf888"
        let cipher: String =
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        let tag: String = "76fc6ece0f4e1768cddf8853bb2d551b"
        let plain: String =
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        let binding: [UInt8] = try #require(Hex.decode("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
        let sealed: [UInt8] = try #require(Hex.decode(nonce + cipher + tag))
        #expect(Hex.encode(try SealedBox.open(sealed, key: key, binding: binding)) == plain)
    }

    @Test func `no byte can be altered`() throws {
        let sealed: [UInt8] = try SealedBox.seal(Array("the key of the authority".utf8), key: key, binding: binding)
        for index in sealed.indices {
            var altered: [UInt8] = sealed
            altered[index] ^= 0x10
            #expect(throws: CryptoFault.altered) { try SealedBox.open(altered, key: key, binding: binding) }
        }
        for count in 0..<sealed.count {
            let cut: [UInt8] = Array(sealed[..<count])
            let fault: CryptoFault = count < 28 ? .tooShort(count) : .altered
            #expect(throws: fault) { try SealedBox.open(cut, key: key, binding: binding) }
        }
    }

    @Test func `another key or another place does not open it`() throws {
        let sealed: [UInt8] = try SealedBox.seal([1, 2, 3], key: key, binding: binding)
        #expect(throws: CryptoFault.altered) { try SealedBox.open(sealed, key: key.reversed(), binding: binding) }
        #expect(throws: CryptoFault.altered) { try SealedBox.open(sealed, key: key, binding: binding + [0]) }
        #expect(throws: CryptoFault.altered) { try SealedBox.open(sealed, key: key, binding: []) }
        #expect(throws: CryptoFault.keyLength(16, wanted: 32)) {
            try SealedBox.open(sealed, key: Array(key[..<16]), binding: binding)
        }
        #expect(throws: CryptoFault.keyLength(0, wanted: 32)) { try SealedBox.seal([], key: [], binding: binding) }
    }

    @Test func `the same text is sealed differently each time`() throws {
        let boxes: [[UInt8]] = try (0..<100).map { _ in try SealedBox.seal([1], key: key, binding: binding) }
        #expect(Set(boxes).count == 100)
    }
}
