import Certificates
import Glibc
import Limits
import Synchronization
import TLS

/// The certificate authorities that everybody on this machine trusts, read once.
enum SystemAuthorities {
    struct Missing: Error, CustomStringConvertible {
        let description: String =
            "this machine has no list of certificate authorities (Debian: apt-get install ca-certificates)"
    }

    private static let files: [String] = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    ]
    private static let made = Mutex<TLSClientContext?>(nil)

    /// - Throws: ``Missing``, or what is wrong with the list.
    static func context() throws -> TLSClientContext {
        if let known: TLSClientContext = made.withLock({ $0 }) { return known }
        for path in files {
            guard let bytes: [UInt8] = read(path) else { continue }
            let context = try TLSClientContext(trust: .authorities(try Certificate.bundle(pem: bytes)))
            made.withLock { $0 = context }
            return context
        }
        throw Missing()
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file: UnsafeMutablePointer<FILE> = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count < Limits.systemAuthoritiesBytes {
            let count: Int = fread(&piece, 1, piece.count, file)
            guard count > 0 else { break }
            bytes.append(contentsOf: piece[..<count])
        }
        return bytes
    }
}
