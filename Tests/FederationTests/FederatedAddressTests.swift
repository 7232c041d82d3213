import Federation
import Testing

struct FederatedAddressTests {
    @Test(arguments: [
        ("v2-beta/projects", "v2-beta/projects"),
        ("v2-beta/projects/1a5c1", "v2-beta/projects/1a5"),
        ("v2-beta/projects/1a5c1/services/1s42c1/instances", "v2-beta/projects/1a5/services/1s42/instances"),
        // A name that looks like none is left alone.
        ("v2-beta/settings/access.log", "v2-beta/settings/access.log"),
    ]) func `what is this cluster's loses its number`(given: String, plain: String) {
        let segments: [String] = given.split(separator: "/").map(String.init)
        #expect(FederatedAddress(segments, own: 1) == .here(plain.split(separator: "/").map(String.init)))
    }

    @Test func `what is another's is its own, whatever else is in the address`() {
        #expect(FederatedAddress(["v2-beta", "projects", "1a5c2", "services", "1s42c2"], own: 1) == .other(2))
        #expect(FederatedAddress(["v2-beta", "stacks", "1st7c4294967295"], own: 1) == .other(.max))
    }

    @Test func `a bare id, and ids of two clusters, are nothing`() {
        #expect(FederatedAddress(["v2-beta", "projects", "1a5", "services"], own: 1) == .refused(.bare("1a5")))
        #expect(
            FederatedAddress(["v2-beta", "projects", "1a5c1", "services", "1s42"], own: 1) == .refused(.bare("1s42"))
        )
        #expect(
            FederatedAddress(["v2-beta", "projects", "1a5c1", "services", "1s42c2"], own: 1) == .refused(.mixed(1, 2))
        )
        // No number of a cluster: nothing that was ever rendered.
        #expect(
            FederatedAddress(["v2-beta", "projects", "1a5c01"], own: 1) == .here(["v2-beta", "projects", "1a5c01"])
        )
    }
}
