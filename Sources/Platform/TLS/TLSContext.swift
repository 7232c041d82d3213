internal import COpenSSL
internal import Certificates
internal import Limits

/// Settings of one side as OpenSSL keeps them: connections are made of it and keep it alive.
///
/// `@unchecked Sendable`: nothing is changed after `init`, and OpenSSL lets any number of threads make connections
/// of one context.
final class TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer
    let side: TLSFault.Side
    /// Who is believed; nil when the peer is not asked for a certificate.
    let trust: TLSTrust?
    let protocols: [[UInt8]]

    init(
        _ side: TLSFault.Side,
        identity: TLSIdentity?,
        trust: TLSTrust?,
        requiresCertificate: Bool,
        protocols: [String]
    ) throws(TLSFault) {
        let method: OpaquePointer? = side == .accepting ? TLS_server_method() : TLS_client_method()
        guard let pointer: OpaquePointer = SSL_CTX_new(method) else {
            throw Self.failure(side, "make a context")
        }
        self.pointer = pointer
        self.side = side
        self.trust = trust
        self.protocols = protocols.map { Array($0.utf8) }
        // From here on `deinit` frees the context when something throws.
        guard copenssl_only_tls13(pointer) == 1 else { throw Self.failure(side, "restrict TLS to version 1.3") }
        // A session that is resumed would not present its certificate again.
        copenssl_no_session_cache(pointer)
        SSL_CTX_set_num_tickets(pointer, 0)
        copenssl_set_mode(pointer, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN))
        copenssl_set_max_chain_bytes(pointer, Limits.tlsChainBytes)
        SSL_CTX_set_verify_depth(pointer, Limits.tlsChainDepth)
        if let identity { try use(identity) }
        if let trust { try believe(trust, requiresCertificate) }
        try offerProtocols()
    }

    deinit { SSL_CTX_free(pointer) }

    private func use(_ identity: TLSIdentity) throws(TLSFault) {
        guard let leaf = identity.certificates.first else {
            throw TLSFault(side, .configuration, "the identity has no certificate")
        }
        guard !leaf.isAuthority else {
            throw TLSFault(side, .configuration, "\(leaf) is an authority; an identity starts with a leaf")
        }
        let fits: Bool = leaf.withHandle { leaf in
            identity.key.withHandle { key in
                SSL_CTX_use_certificate(pointer, leaf) == 1 && SSL_CTX_use_PrivateKey(pointer, key) == 1
                    && SSL_CTX_check_private_key(pointer) == 1
            }
        }
        guard fits else { throw Self.failure(side, "use \(leaf) with its key: do they belong together?") }
        for above in identity.certificates.dropFirst() {
            guard above.withHandle({ copenssl_add_chain_certificate(pointer, $0) }) == 1 else {
                throw Self.failure(side, "present \(above)")
            }
        }
    }

    private func believe(_ trust: TLSTrust, _ requiresCertificate: Bool) throws(TLSFault) {
        switch trust {
        case .authorities(let authorities):
            guard !authorities.isEmpty else {
                throw TLSFault(side, .configuration, "there is no authority to believe, so no peer could be")
            }
            for authority in authorities { try believe(authority) }
        case .pinned(let fingerprint):
            guard fingerprint.count == 32 else {
                throw TLSFault(
                    side,
                    .configuration,
                    "the fingerprint of an authority has 32 bytes, not \(fingerprint.count)"
                )
            }
        }
        SSL_CTX_set_cert_verify_callback(pointer, { store, _ in PeerVerification.verify(store) }, nil)
        let required: Int32 = requiresCertificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | required, nil)
    }

    private func believe(_ authority: Certificate) throws(TLSFault) {
        guard authority.isAuthority else {
            throw TLSFault(side, .configuration, "\(authority) is not an authority, so it cannot vouch for peers")
        }
        let added: Bool = authority.withHandle { handle in
            // Clients with several certificates choose by these names.
            if side == .accepting, SSL_CTX_add_client_CA(pointer, handle) != 1 { return false }
            return X509_STORE_add_cert(SSL_CTX_get_cert_store(pointer), handle) == 1
        }
        guard added else { throw Self.failure(side, "add \(authority)") }
    }

    private func offerProtocols() throws(TLSFault) {
        guard !protocols.isEmpty else { return }
        guard protocols.allSatisfy({ (1...255).contains($0.count) }) else {
            throw TLSFault(side, .configuration, "the name of a protocol has 1 to 255 bytes")
        }
        if side == .accepting {
            SSL_CTX_set_alpn_select_cb(
                pointer,
                { ssl, chosen, chosenCount, offered, offeredCount, _ in
                    TLSSession.selectProtocol(ssl, chosen, chosenCount, offered, offeredCount)
                },
                nil
            )
        } else {
            let list: [UInt8] = protocols.flatMap { [UInt8($0.count)] + $0 }
            // This function returns 0 for success.
            guard SSL_CTX_set_alpn_protos(pointer, list, UInt32(list.count)) == 0 else {
                throw Self.failure(side, "offer protocols")
            }
        }
    }

    private static func failure(_ side: TLSFault.Side, _ operation: String) -> TLSFault {
        TLSFault(side, .configuration, "cannot \(operation) (\(OpenSSLErrors.take().text))")
    }
}
