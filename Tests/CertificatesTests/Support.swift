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

func write(_ bytes: [UInt8], to path: String) {
    guard let file = fopen(path, "w") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
}
