import Bytes
import Crypto
import Testing

struct ScryptTests {
    /// RFC 7914, section 12.
    @Test(arguments: [
        (
            "", "", Scrypt.Cost(log2N: 4, r: 1, p: 1),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        ),
        (
            "password", "NaCl", Scrypt.Cost(log2N: 10, r: 8, p: 16),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        ),
        (
            "pleaseletmein", "SodiumChloride", Scrypt.Cost(log2N: 14, r: 8, p: 1),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        ),
    ])
    func `the vectors of the standard come out`(password: String, salt: String, cost: Scrypt.Cost, expected: String) {
        let key: [UInt8]? = Scrypt.derive(Array(password.utf8), salt: Array(salt.utf8), cost: cost, count: 64)
        #expect(key.map { Hex.encode($0) } == expected)
    }

    @Test(arguments: [
        Scrypt.Cost(log2N: 0), Scrypt.Cost(log2N: 21), Scrypt.Cost(log2N: 63), Scrypt.Cost(log2N: 10, r: 0),
        Scrypt.Cost(log2N: 10, r: 8, p: 0), Scrypt.Cost(log2N: 20, r: 32), Scrypt.Cost(log2N: -1),
    ])
    func `a cost that nobody could bear is refused before it is paid`(cost: Scrypt.Cost) {
        #expect(Scrypt.derive([1], salt: [2], cost: cost, count: 32) == nil)
    }

    @Test func `the standard cost is one that this machine can pay`() {
        #expect(Scrypt.Cost.standard.isBearable)
        #expect(Scrypt.derive([1], salt: [2], cost: .standard, count: 32)?.count == 32)
    }
}
