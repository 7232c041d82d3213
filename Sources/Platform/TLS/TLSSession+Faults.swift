internal import COpenSSL

extension TLSSession {
    /// Alerts stand in reason codes above this.
    private static let alerts: Int32 = 1_000

    func fault(_ reason: TLSFault.Reason, _ message: String) -> TLSFault {
        TLSFault(context.side, reason, peer: peer, message)
    }

    /// Why the handshake failed; `errors` is what OpenSSL left.
    func handshakeFault(_ errors: OpenSSLErrors) -> TLSFault {
        if let verification {
            return verification.fault(context.side, peer: peer, wantedName: serverName, trust: context.trust)
        }
        switch errors.reason {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
            return fault(.plainText, "the client speaks plain HTTP, but this port speaks TLS; use https://")
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_RECORD_LENGTH_MISMATCH:
            return fault(.plainText, "the peer does not speak TLS; does the port belong to a plain-text service?")
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_BAD_LEGACY_VERSION:
            return fault(.version, "the peer does not speak TLS 1.3, and nothing older is spoken here")
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return fault(.noCertificate, "the client presented no certificate, and one is required here")
        case SSL_R_NO_APPLICATION_PROTOCOL:
            return fault(.noCommonProtocol, "the client speaks none of the protocols that are served here")
        case SSL_R_UNEXPECTED_EOF_WHILE_READING: return fault(.endedInHandshake, Self.ended)
        case Self.alerts...: return alertFault(errors)
        case 0 where pipe.hasEnded: return fault(.endedInHandshake, Self.ended)
        default: return fault(.protocolError, "the handshake failed: \(errors.text)")
        }
    }

    private static let ended: String =
        "the peer closed the connection in the middle of the handshake; does the port speak TLS, and is the peer well?"

    /// Why the connection broke after the handshake.
    func dataFault(_ errors: OpenSSLErrors) -> TLSFault {
        if errors.reason >= Self.alerts { return alertFault(errors) }
        return fault(
            .protocolError,
            "what the peer sent cannot be decrypted or breaks the rules of TLS: \(errors.text)"
        )
    }

    private func alertFault(_ errors: OpenSSLErrors) -> TLSFault {
        let ours: String = "the peer refused us: "
        switch errors.reason - Self.alerts {
        case SSL_AD_CERTIFICATE_REQUIRED:
            return fault(.refusedByPeer, ours + "it requires a certificate, and none was presented")
        case SSL_AD_UNKNOWN_CA:
            return fault(.refusedByPeer, ours + "it does not trust the authority of our certificate")
        case SSL_AD_CERTIFICATE_EXPIRED:
            return fault(.refusedByPeer, ours + "our certificate has expired, or a clock is wrong")
        case SSL_AD_UNSUPPORTED_CERTIFICATE: return fault(.refusedByPeer, ours + "our certificate is not for this use")
        case SSL_AD_BAD_CERTIFICATE: return fault(.refusedByPeer, ours + "our certificate is not good for it")
        case SSL_AD_PROTOCOL_VERSION:
            return fault(.version, "the peer does not speak TLS 1.3, and nothing older is spoken here")
        case SSL_AD_NO_APPLICATION_PROTOCOL:
            return fault(.noCommonProtocol, "the server speaks none of the protocols that were offered")
        default: return fault(.refusedByPeer, ours + errors.text)
        }
    }
}
