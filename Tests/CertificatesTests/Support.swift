import Glibc

@testable import Certificates

/// 2023-11-14 22:13:20 UTC, in milliseconds since 1970.
let moment: Int64 = 1_700_000_000_000

/// An authority that is valid today, made once.
let authority: CertificateAuthority = {
    do {
        return try .found(commonName: "home", now: wallClock, lifetimeSeconds: 864_000)
    } catch {
        preconditionFailure("no authority for the tests: \(error)")
    }
}()

/// Milliseconds since 1970.
var wallClock: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000
}

/// A certificate and its key.
func issued(
    _ profile: CertificateProfile,
    by authority: CertificateAuthority = authority,
    now: Int64 = wallClock
) throws -> (Certificate, PrivateKey) {
    let key: PrivateKey = try .generate()
    return (try authority.issue(.make(key: key, commonName: "asker"), profile, now: now), key)
}

let profile = CertificateProfile(
    commonName: "node 1",
    uris: ["drover://00000000000000aa/node/1"],
    dnsNames: ["a.test", "*.b.test"],
    addresses: ["127.0.0.1", "2001:db8::1"],
    usages: [.server, .client],
    lifetimeSeconds: 3_600
)

/// What `body` throws, or nil.
func fault(_ body: () throws -> Void) -> CertificateFault? {
    do {
        try body()
        return nil
    } catch {
        return error as? CertificateFault
    }
}

/// The same numbers for the same seed, everywhere (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed: UInt64 = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A folder of the test's own.
func withFolder(_ body: (String) async throws -> Void) async throws {
    var template: [CChar] = "/tmp/drover-certificates-XXXXXX".utf8CString.map { $0 }
    let made: String? = mkdtemp(&template).map { String(cString: $0) }
    guard let folder = made else { return }
    defer {
        for name in ["a", "b", "c"] { unlink("\(folder)/\(name).pem") }
        rmdir(folder)
    }
    try await body(folder)
}

func write(_ bytes: [UInt8], to path: String) {
    guard let file = fopen(path, "w") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
}
