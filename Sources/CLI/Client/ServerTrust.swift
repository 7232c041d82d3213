internal import Certificates
internal import Glibc
internal import TLS

/// Which servers a client believes, and what it shows them.
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
        var shown: TLSIdentity?
        if let files = connection.certificate { shown = try identity(files) }
        do {
            let authorities: [Certificate] = try Certificate.bundle(pem: Array(text.utf8))
            return try TLSClientContext(identity: shown, trust: .authorities(authorities))
        } catch let fault as TLSFault where shown != nil {
            throw CommandFailure("the certificate from \(connection.keySource) cannot be used: \(fault.message)")
        } catch {
            throw CommandFailure("the certificates in \(path) cannot be used: \(error)")
        }
    }

    private static func identity(_ files: Connection.CertificateFiles) throws(CommandFailure) -> TLSIdentity {
        func read(_ path: String) throws(CommandFailure) -> [UInt8] {
            guard let text: String = TextFile.read(path) else { throw CommandFailure("cannot read \(path)") }
            return Array(text.utf8)
        }
        let (certificate, key): ([UInt8], [UInt8]) = (try read(files.certificate), try read(files.key))
        do throws(CertificateFault) {
            return TLSIdentity(certificates: try Certificate.bundle(pem: certificate), key: try PrivateKey(pem: key))
        } catch {
            throw CommandFailure("\(files.certificate) with \(files.key) cannot be used: \(error)")
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
