import Bytes
import Crypto
import JSON
import Testing

@testable import Authority

@Suite struct SealedIdentityKeysTests {
    private static let cluster: UInt64 = 7

    @Test func `keys are sealed under another key, and those that do not open stay`() throws {
        let (old, next): ([UInt8], [UInt8]) = (SealedAuthority.newSealingKey(), SealedAuthority.newSealingKey())
        let plain: [UInt8] = SecureRandom.bytes(32)
        let sealed: String = try #require(SealedIdentityKeys.seal(plain, key: old, cluster: Self.cluster))
        #expect(SealedIdentityKeys.open(sealed, keys: [next], cluster: Self.cluster) == nil)
        #expect(SealedIdentityKeys.open(sealed, keys: [next, old], cluster: Self.cluster) == plain)
        #expect(SealedIdentityKeys.open(sealed, keys: [old], cluster: Self.cluster + 1) == nil)
        var fields: JSONObject = [
            "registrationKey": "stays",
            "identityKeys": [["id": 2, "sealed": .string(sealed), "created": 5], ["id": 1, "sealed": "lost"]],
        ]
        SealedIdentityKeys.reseal(&fields, keys: [old, next], under: next, cluster: Self.cluster)
        let entries: [JSONValue] = try #require(fields["identityKeys"]?.array)
        let again: String = try #require(entries[0]["sealed"]?.string)
        #expect(again != sealed && entries[0]["id"] == 2 && entries[0]["created"] == 5)
        #expect(SealedIdentityKeys.open(again, keys: [next], cluster: Self.cluster) == plain)
        #expect(SealedIdentityKeys.open(again, keys: [old], cluster: Self.cluster) == nil)
        #expect(entries[1]["sealed"] == "lost" && fields["registrationKey"] == "stays")
    }

    @Test func `a record without keys stays as it is`() {
        var fields: JSONObject = ["registrationKey": "x"]
        SealedIdentityKeys.reseal(&fields, keys: [[1]], under: [2], cluster: Self.cluster)
        #expect(fields == ["registrationKey": "x"])
    }
}
