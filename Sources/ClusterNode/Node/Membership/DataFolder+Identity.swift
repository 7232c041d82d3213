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
        /// That has issued the certificate.
        var authority: Certificate
        /// That is believed besides, while the authority is being replaced.
        var others: [Certificate]

        init(certificate: Certificate, key: PrivateKey, authority: Certificate, others: [Certificate] = []) {
            self.certificate = certificate
            self.key = key
            self.authority = authority
            self.others = others
        }

        /// Whom a node believes.
        var trusted: [Certificate] { [authority] + others }
    }

    private var quarantineFile: String { "\(path)/quarantined" }

    /// Why this node must not run any more, though its folder is whole; nil for every other node.
    var quarantined: String? {
        guard access(quarantineFile, F_OK) == 0 else { return nil }
        let text: String? = (try? Self.read(quarantineFile)).map { String(decoding: $0, as: UTF8.self) }
        return text.flatMap { $0.isEmpty ? nil : $0 } ?? "its state was not that of the others"
    }

    /// Keeps the folder for study, and every later start from it out of the cluster.
    func quarantine(_ reason: String) throws(NodeFault) { try Self.write(Array(reason.utf8), to: quarantineFile) }

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
        if let reason: String = quarantined { throw .quarantined(name: configuration.name, folder: path, what: reason) }
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
        try Self.write(credentials.trusted.flatMap(\.pem), to: authorityFile)
    }

    /// - Returns: nil for a node that was founded before there was an authority.
    func credentials() throws(NodeFault) -> Credentials? {
        guard access(certificateFile, F_OK) == 0 || access(keyFile, F_OK) == 0 else { return nil }
        let (certificate, key, authority): ([UInt8], [UInt8], [UInt8]) = (
            try Self.read(certificateFile), try Self.read(keyFile), try Self.read(authorityFile)
        )
        do throws(CertificateFault) {
            let leaf = try Certificate(pem: certificate)
            let trusted: [Certificate] = try Certificate.bundle(pem: authority)
            // The files are written one after the other: which one has issued it, the certificate says itself.
            guard let issuer: Certificate = trusted.first(where: { leaf.isIssued(by: $0) }) ?? trusted.first else {
                throw CertificateFault(.mismatch, "\(authorityFile) holds no certificate")
            }
            return Credentials(
                certificate: leaf,
                key: try PrivateKey(pem: key),
                authority: issuer,
                others: trusted.filter { $0 != issuer }
            )
        } catch {
            throw .storage("a certificate or key in \(path)/tls cannot be read: \(error)")
        }
    }

    func saveSealingKey(_ key: [UInt8]) throws(NodeFault) {
        try Self.write(Array("\(Hex.encode(key))\n".utf8), to: sealingKeyFile)
    }

    private var nextSealingKeyFile: String { "\(path)/sealing.next" }

    /// Keeps the key of the authority that is to come beside the present one.
    func saveNextSealingKey(_ key: [UInt8]) throws(NodeFault) {
        try Self.write(Array("\(Hex.encode(key))\n".utf8), to: nextSealingKeyFile)
    }

    /// The next key takes the place of the present one, which opens nothing any more.
    func promoteSealingKey() throws(NodeFault) {
        guard let next: [UInt8] = try sealingKey(at: nextSealingKeyFile) else { return }
        try saveSealingKey(next)
        unlink(nextSealingKeyFile)
    }

    /// The present one, and the next one while the authority is being replaced.
    func sealingKeys() throws(NodeFault) -> [[UInt8]] {
        [try sealingKey(), try sealingKey(at: nextSealingKeyFile)].compactMap { $0 }
    }

    /// - Returns: nil for a node that was founded before there was an authority.
    func sealingKey() throws(NodeFault) -> [UInt8]? { try sealingKey(at: sealingKeyFile) }

    private func sealingKey(at file: String) throws(NodeFault) -> [UInt8]? {
        guard access(file, F_OK) == 0 else { return nil }
        let text = String(decoding: try Self.read(file), as: UTF8.self)
        let digits: Substring = text.last == "\n" ? text.dropLast() : text[...]
        guard let key: [UInt8] = Hex.decode(String(digits)), key.count == SealedAuthority.sealingKeyBytes else {
            throw .storage("\(file) is damaged: take the file of another node of this cluster")
        }
        return key
    }
}
