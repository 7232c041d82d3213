internal import Bytes
internal import COpenSSL
internal import Certificates
internal import Crypto
internal import Glibc

/// The check of a peer's certificates, and its result.
///
/// OpenSSL builds the chain and checks signatures, times, purpose and name; added here: an authority is nobody's
/// identity, and an authority may be known by its fingerprint alone.
struct PeerVerification {
    /// An `X509_V_ERR_…`.
    var code: Int32
    /// The certificate that failed, when it can be read.
    var certificate: Certificate?
    /// The failing certificate is an authority used as a leaf.
    var isAuthority: Bool = false
    /// What the leaf presents.
    var leaf: Certificate?
    /// The last of the presented chain: the authority, where the peer sends it.
    var top: Certificate?

    /// Called by OpenSSL in the middle of a handshake: 1 accepts.
    static func verify(_ store: OpaquePointer?) -> Int32 {
        guard let store,
            let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let session = TLSSession.of(OpaquePointer(ssl))
        else { return 0 }
        var failure = PeerVerification(code: X509_V_OK)
        if let presented = X509_STORE_CTX_get0_cert(store) {
            failure.leaf = certificate(presented)
            if X509_get_extension_flags(presented) & UInt32(EXFLAG_CA) != 0 {
                failure.code = X509_V_ERR_INVALID_PURPOSE
                failure.isAuthority = true
            }
        }
        if failure.code == X509_V_OK {
            failure.code = chain(store, session.context.trust)
            if failure.code != X509_V_OK {
                failure.certificate = X509_STORE_CTX_get_current_cert(store).flatMap(certificate)
            }
        }
        guard failure.code != X509_V_OK else { return 1 }
        if let presented = X509_STORE_CTX_get0_untrusted(store), case let count = copenssl_x509_count(presented),
            count > 0
        {
            failure.top = copenssl_x509_at(presented, count - 1).flatMap(certificate)
        }
        // OpenSSL chooses the alert by this.
        X509_STORE_CTX_set_error(store, failure.code)
        session.verification = failure
        return 0
    }

    private static func chain(_ store: OpaquePointer, _ trust: TLSTrust?) -> Int32 {
        switch trust {
        case nil: return X509_V_ERR_CERT_UNTRUSTED
        case .authorities: return result(store)
        case .pinned(let fingerprint):
            guard let pinned = find(fingerprint, in: X509_STORE_CTX_get0_untrusted(store)) else {
                return X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
            }
            guard let trusted = copenssl_x509_stack() else { return X509_V_ERR_OUT_OF_MEM }
            defer { copenssl_x509_stack_free(trusted) }
            guard copenssl_x509_push(trusted, pinned) > 0 else { return X509_V_ERR_OUT_OF_MEM }
            X509_STORE_CTX_set0_trusted_stack(store, trusted)
            // The pin may name an authority below the top.
            X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(store), UInt(X509_V_FLAG_PARTIAL_CHAIN))
            return result(store)
        }
    }

    private static func result(_ store: OpaquePointer) -> Int32 {
        if X509_verify_cert(store) == 1 { return X509_V_OK }
        let code: Int32 = X509_STORE_CTX_get_error(store)
        return code == X509_V_OK ? X509_V_ERR_UNSPECIFIED : code
    }

    /// The authority with that fingerprint among those presented, not to be freed.
    private static func find(_ fingerprint: [UInt8], in presented: OpaquePointer?) -> OpaquePointer? {
        guard let presented else { return nil }
        for index in 0..<max(0, copenssl_x509_count(presented)) {
            guard let candidate = copenssl_x509_at(presented, index),
                X509_get_extension_flags(candidate) & UInt32(EXFLAG_CA) != 0,
                let read = certificate(candidate), ConstantTime.equals(read.fingerprint, fingerprint)
            else { continue }
            return candidate
        }
        return nil
    }

    /// Reads OpenSSL's certificate as ours.
    static func certificate(_ parsed: OpaquePointer) -> Certificate? {
        var output: UnsafeMutablePointer<UInt8>?
        let count: Int32 = i2d_X509(parsed, &output)
        guard count > 0, let output else { return nil }
        defer { CRYPTO_free(output, #file, #line) }
        return try? Certificate(der: Array(UnsafeBufferPointer(start: output, count: Int(count))))
    }
}

extension PeerVerification {
    /// Why the peer is not believed, in words.
    func fault(_ side: TLSFault.Side, peer: String, wantedName: String?, trust: TLSTrust?) -> TLSFault {
        let who: String = side == .accepting ? "the client's" : "the server's"
        let subject: Certificate? = certificate ?? leaf
        let what: String = subject.map { "\(who) \($0)" } ?? "\(who) certificate"
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return TLSFault(
                side,
                .expired,
                peer: peer,
                "\(what) \(Self.times(subject)); renew it, or set the clock that is wrong"
            )
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return TLSFault(
                side,
                .notYetValid,
                peer: peer,
                "\(what) \(Self.times(subject)); set the clock that is wrong"
            )
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            let names: [String] = (leaf?.dnsNames ?? []) + (leaf?.addresses ?? [])
            let list: String = names.isEmpty ? "no name or address" : names.joined(separator: ", ")
            return TLSFault(
                side,
                .wrongName,
                peer: peer,
                "\(what) is for \(list), not for \(wantedName ?? "the name asked for"); "
                    + "connect by a name of the certificate, or issue one with this name"
            )
        case X509_V_ERR_INVALID_PURPOSE where isAuthority:
            return TLSFault(
                side,
                .wrongPurpose,
                peer: peer,
                "\(what) is an authority's; an authority is nobody's identity"
            )
        case X509_V_ERR_INVALID_PURPOSE:
            let use: String = side == .accepting ? "as a client's" : "as a server's"
            return TLSFault(side, .wrongPurpose, peer: peer, "\(what) may not be used \(use) (extended key usage)")
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_CERT_UNTRUSTED:
            return TLSFault(
                side,
                .unknownAuthority,
                peer: peer,
                "\(what) \(Self.distrust(trust))",
                presentedFingerprint: (top ?? leaf)?.fingerprint
            )
        default:
            let cause: String = X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
            return TLSFault(side, .badCertificate, peer: peer, "\(what) cannot be used: \(cause)")
        }
    }

    private static func distrust(_ trust: TLSTrust?) -> String {
        switch trust {
        case .pinned(let fingerprint):
            "does not come from the pinned authority \(Hex.encode(fingerprint.prefix(8)))…: "
                + "the token or pin is of another cluster, or somebody stands between"
        case .authorities(let authorities):
            "comes from an authority that is not trusted here (trusted: "
                + authorities.prefix(4).map { "'\($0.commonName)'" }.joined(separator: ", ") + ")"
        case nil: "is not trusted"
        }
    }

    private static func times(_ certificate: Certificate?) -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let here: String = "it is \(text(Int64(now.tv_sec) * 1_000)) here"
        guard let certificate else { return "is not valid now (\(here))" }
        return "is valid from \(text(certificate.notBefore)) to \(text(certificate.notAfter)), but \(here)"
    }

    private static func text(_ milliseconds: Int64) -> String {
        var seconds: time_t = Int(milliseconds / 1_000)
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "\(milliseconds) ms since 1970" }
        var text = [CChar](repeating: 0, count: 32)
        let count: Int = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
