import Glibc
import Subprocess
import TestSupport
import Testing

@testable import Certificates

/// What another program makes of our certificates; skipped, visibly, where it is not installed.
@Suite(.enabled(if: access("/usr/bin/openssl", X_OK) == 0, "there is no /usr/bin/openssl"), .timeLimit(.minutes(1)))
struct OpenSSLProgramTests {
    private func openssl(_ arguments: String..., input: [UInt8] = []) async throws -> SubprocessResult {
        try await Subprocess.run("/usr/bin/openssl", arguments, input: input)
    }

    @Test func `openssl reads what was issued`() async throws {
        let (certificate, _): (Certificate, PrivateKey) = try issued(profile)
        let result: SubprocessResult = try await openssl("x509", "-noout", "-text", input: certificate.pem)
        let text: String = result.outputText
        #expect(result.status.isSuccess, "\(result.errorText)")
        for part in [
            "Version: 3", "ecdsa-with-SHA256", "NIST CURVE: P-256", "Issuer: CN = home", "Subject: CN = node 1",
            "CA:FALSE", "Digital Signature", "TLS Web Server Authentication, TLS Web Client Authentication",
            "URI:drover://00000000000000aa/node/1", "DNS:a.test, DNS:*.b.test",
            "IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1", "X509v3 Authority Key Identifier",
        ] { #expect(text.contains(part), "\(part) is missing in \(text)") }

        let own: String = try await openssl("x509", "-noout", "-text", input: authority.certificate.pem).outputText
        for part in ["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "X509v3 Subject Key Identifier"] {
            #expect(own.contains(part), "\(part) is missing in \(own)")
        }
    }

    @Test func `openssl verifies the chain, and only ours`() async throws {
        let (certificate, _): (Certificate, PrivateKey) = try issued(profile)
        let foreign: CertificateAuthority = try .found(commonName: "home", now: wallClock, lifetimeSeconds: 60)
        try await withFolder { folder in
            write(authority.certificate.pem, to: "\(folder)/a.pem")
            write(certificate.pem, to: "\(folder)/b.pem")
            write(foreign.certificate.pem, to: "\(folder)/c.pem")
            for purpose in ["sslserver", "sslclient"] {
                let good: SubprocessResult = try await openssl(
                    "verify",
                    "-x509_strict",
                    "-purpose",
                    purpose,
                    "-verify_hostname",
                    "x.b.test",
                    "-CAfile",
                    "\(folder)/a.pem",
                    "\(folder)/b.pem"
                )
                #expect(good.status.isSuccess, "\(good.errorText)")
            }
            let bad: SubprocessResult = try await openssl("verify", "-CAfile", "\(folder)/c.pem", "\(folder)/b.pem")
            #expect(!bad.status.isSuccess)
        }
    }

    @Test func `openssl reads the key and the request, and we read its keys`() async throws {
        let key: PrivateKey = try .generate()
        #expect(try await openssl("pkey", "-noout", "-check", input: key.pem).status.isSuccess)
        let request: CertificateRequest = try .make(key: key, commonName: "asker")
        #expect(try await openssl("req", "-noout", "-verify", input: request.pem).status.isSuccess)

        let old: SubprocessResult = try await openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
        #expect(old.outputText.contains("EC PRIVATE KEY"))
        _ = try PrivateKey(pem: old.standardOutput)
        for algorithm in [["ED25519"], ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]] {
            let made: SubprocessResult = try await Subprocess.run(
                "/usr/bin/openssl",
                ["genpkey", "-algorithm"] + algorithm
            )
            let other = try PrivateKey(pem: made.standardOutput)
            let request = try CertificateRequest(pem: CertificateRequest.make(key: other, commonName: "x").pem)
            #expect(try authority.issue(request, profile, now: wallClock).isIssued(by: authority.certificate))
        }
        let weak: SubprocessResult = try await openssl(
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:1024"
        )
        #expect(fault { _ = try PrivateKey(pem: weak.standardOutput) }?.reason == .unsuitable)
    }
}
