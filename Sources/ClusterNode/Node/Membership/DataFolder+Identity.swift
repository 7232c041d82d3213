import Authority
import Bytes
import Certificates
import Glibc

/// What makes a folder's node a member: its certificate, its keys, and the log that it voted with.
extension DataFolder {
    /// Everything that a node shows others and checks them by.
    struct Credentials: Sendable {
        /// Its own, valid until it is renewed.
        var certificate: Certificate
        var key: PrivateKey
        var authority: Certificate

        init(certificate: Certificate, key: PrivateKey, authority: Certificate) {
            self.certificate = certificate
            self.key = key
            self.authority = authority
        }
    }

    /// Puts what tells this log from every other one beside it.
    func saveInstance(_ instance: String) throws(NodeFault) {
        try Self.write(Array("\(instance)\n".utf8), to: instanceFile)
    }

    /// That the folder can be written: by writing a file of it.
    func probe() throws(NodeFault) {
        let file: String = "\(path)/probe"
        try Self.write([], to: file)
        unlink(file)
    }

    /// That the log is the one with which the node became a member.
    ///
    /// A node whose log was lost has forgotten how it voted and what it acknowledged; it must come in as a new member.
    ///
    /// - Throws: ``NodeFault/memberLost(name:what:)`` saying what to do.
    package func checkWhole() throws(NodeFault) {
        guard !FolderSwap(folder: self).isReady else {
            throw .recovery(
                "a recovery was begun in \(path) and not finished: run 'drover cluster recover --data \(path)' again"
            )
        }
        let configuration: NodeConfiguration = try self.configuration()
        guard access("\(log)/member", F_OK) == 0 else {
            throw .memberLost(name: configuration.name, what: "the log in \(log) is gone")
        }
        // Nodes of the first form drew none.
        guard !configuration.instance.isEmpty else { return }
        guard let bytes: [UInt8] = try? Self.read(instanceFile) else {
            throw .memberLost(
                name: configuration.name,
                what: "\(instanceFile) is gone, so the log is not the node's own"
            )
        }
        guard bytes == Array("\(configuration.instance)\n".utf8) else {
            throw .memberLost(name: configuration.name, what: "the log in \(log) is not the one of this node.json")
        }
    }

    /// Writes the certificates and keys; files that hold keys are readable by their owner only, as all in this folder.
    func save(_ credentials: Credentials) throws(NodeFault) {
        let folder: String = "\(path)/tls"
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw .storage("cannot make the folder \(folder): \(String(cString: strerror(errno)))")
        }
        // The key first: a certificate without its key would be of no use.
        try Self.write(credentials.key.pem, to: keyFile)
        try Self.write(credentials.certificate.pem, to: certificateFile)
        try Self.write(credentials.authority.pem, to: authorityFile)
    }

    /// - Returns: nil for a node that was founded before there was an authority.
    func credentials() throws(NodeFault) -> Credentials? {
        guard access(certificateFile, F_OK) == 0 || access(keyFile, F_OK) == 0 else { return nil }
        let (certificate, key, authority): ([UInt8], [UInt8], [UInt8]) = (
            try Self.read(certificateFile), try Self.read(keyFile), try Self.read(authorityFile)
        )
        do throws(CertificateFault) {
            return Credentials(
                certificate: try Certificate(pem: certificate),
                key: try PrivateKey(pem: key),
                authority: try Certificate(pem: authority)
            )
        } catch {
            throw .storage("a certificate or key in \(path)/tls cannot be read: \(error)")
        }
    }

    func saveSealingKey(_ key: [UInt8]) throws(NodeFault) {
        try Self.write(Array("\(Hex.encode(key))\n".utf8), to: sealingKeyFile)
    }

    /// - Returns: nil for a node that was founded before there was an authority.
    func sealingKey() throws(NodeFault) -> [UInt8]? {
        guard access(sealingKeyFile, F_OK) == 0 else { return nil }
        let text = String(decoding: try Self.read(sealingKeyFile), as: UTF8.self)
        let digits: Substring = text.last == "\n" ? text.dropLast() : text[...]
        guard let key: [UInt8] = Hex.decode(String(digits)), key.count == SealedAuthority.sealingKeyBytes else {
            throw .storage("\(sealingKeyFile) is damaged: take the file of another node of this cluster")
        }
        return key
    }
}
