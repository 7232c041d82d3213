internal import Certificates
internal import Glibc
internal import TLS

/// Which servers a client believes.
enum ServerTrust {
    /// Where systems keep the authorities that everybody trusts.
    private static let systemFiles: [String] = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    ]

    static func context(_ connection: Connection) throws(CommandFailure) -> TLSClientContext {
        let path: String
        if let file: String = connection.authorityFile {
            path = file
        } else if let system: String = systemFiles.first(where: TextFile.exists) {
            path = system
        } else {
            throw CommandFailure(
                "nothing is known about who \(connection.address) should be: give the cluster's authority with --ca-file"
            )
        }
        guard let text: String = TextFile.read(path) else {
            throw CommandFailure("cannot read the certificates in \(path); name the right file with --ca-file")
        }
        do {
            let authorities: [Certificate] = try Certificate.bundle(pem: Array(text.utf8))
            return try TLSClientContext(trust: .authorities(authorities))
        } catch {
            throw CommandFailure("the certificates in \(path) cannot be used: \(error)")
        }
    }

    /// What a person can do.
    static func advice(_ fault: TLSFault, _ connection: Connection) -> String {
        switch fault.reason {
        case .plainText: "write http:// for a server without TLS"
        case .unknownAuthority, .noCertificate, .badCertificate:
            connection.authorityFile.map { "is \($0) the authority of this cluster?" }
                ?? "name the cluster's authority with --ca-file, such as DATA/tls/authority.pem of one of its nodes"
        case .wrongName: "use an address that the certificate is for, or give the server that name with --advertise"
        default: "'drover cluster status' on a server says how its certificates stand"
        }
    }
}
