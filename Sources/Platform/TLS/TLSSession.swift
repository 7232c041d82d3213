internal import COpenSSL
internal import Certificates
internal import EventLoop
internal import Limits

/// One TLS connection as OpenSSL sees it: bytes in, bytes out, no socket and no waiting.
///
/// `@unchecked Sendable`: during the handshake one task has it to itself, later every use is under the lock of the
/// ``TLSStream`` that owns it.
final class TLSSession: @unchecked Sendable {
    let context: TLSContext
    let peer: String
    /// What the callback found wrong with the peer's certificate.
    var verification: PeerVerification?

    let ssl: OpaquePointer
    let pipe = CipherPipe()
    let serverName: String?
    private var isEstablished: Bool = false
    private var saidGoodbye: Bool = false
    /// Why nothing can be read any more.
    private var failure: TLSFault?
    private var isTruncated: Bool = false
    /// The peer's closing message has come.
    private(set) var hasEnd: Bool = false

    enum Progress {
        case done
        case needsInput
        case failed(TLSFault)
    }

    enum Reading {
        case bytes(Int)
        case end
        /// The connection ended without TLS's closing message.
        case truncated
        case needsInput
        case failed(TLSFault)
    }

    /// A session for one connection; `serverName` is asked for and checked when connecting.
    init(_ context: TLSContext, peer: String, serverName: ServerName?) throws(TLSFault) {
        self.context = context
        self.peer = peer
        self.serverName = serverName?.text
        guard let ssl: OpaquePointer = SSL_new(context.pointer) else {
            throw TLSFault(context.side, .configuration, "no memory for a connection")
        }
        self.ssl = ssl
        guard let bio: OpaquePointer = pipe.makeBIO() else {
            throw TLSFault(context.side, .configuration, "no memory for a connection")
        }
        SSL_set_bio(ssl, bio, bio)  // takes the one reference
        // Callbacks find the session here; it frees the connection before it goes itself.
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        if context.side == .accepting {
            SSL_set_accept_state(ssl)
        } else {
            SSL_set_connect_state(ssl)
            if let serverName { try expect(serverName) }
        }
    }

    deinit { SSL_free(ssl) }

    private func expect(_ name: ServerName) throws(TLSFault) {
        let parameters: OpaquePointer? = SSL_get0_param(ssl)
        let isSet: Bool
        switch name {
        case .dns(let text):
            X509_VERIFY_PARAM_set_hostflags(
                parameters,
                UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
            )
            isSet =
                X509_VERIFY_PARAM_set1_host(parameters, text, text.utf8.count) == 1
                && copenssl_set_server_name(ssl, text) == 1
        case .address(let text):
            isSet = X509_VERIFY_PARAM_set1_ip_asc(parameters, text) == 1
        }
        guard isSet else {
            throw TLSFault(.connecting, .configuration, "'\(name.text)' cannot be checked as a server's name")
        }
    }

    // MARK: Handshake

    /// Goes on with the handshake; what is to be sent is in ``takeOutput()`` whatever the result.
    func shakeHands(_ input: ReadBuffer) -> Progress {
        ERR_clear_error()
        let result: Int32 = take(input) { SSL_do_handshake(ssl) }
        if result == 1 {
            isEstablished = true
            return .done
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .needsInput
        default:
            let fault: TLSFault = handshakeFault(OpenSSLErrors.take())
            failure = fault
            return .failed(fault)
        }
    }

    /// The verified chain, leaf first.
    func peerChain() throws(TLSFault) -> [Certificate] {
        guard let chain = SSL_get0_verified_chain(ssl) else { return [] }
        var found: [Certificate] = []
        for index in 0..<max(0, copenssl_x509_count(chain)) {
            guard let certificate = copenssl_x509_at(chain, index).flatMap(PeerVerification.certificate) else {
                throw fault(.badCertificate, "the peer's certificates hold names that cannot be used")
            }
            found.append(certificate)
        }
        return found
    }

    var negotiatedProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        guard let name, count > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }

    // MARK: Data

    /// Whether a read would find something without more input: bytes, the end or a failure.
    func hasSomething(_ input: ReadBuffer) -> Bool {
        !input.isEmpty || pipe.hasEnded || hasEnd || isTruncated || failure != nil || SSL_has_pending(ssl) != 0
    }

    /// Whether nothing has come that was not read, not even the end.
    var isQuiet: Bool { failure == nil && !hasEnd && !pipe.hasEnded && SSL_has_pending(ssl) == 0 }

    /// The connection has ended: after what has come there is nothing.
    func inputEnded() { pipe.hasEnded = true }

    /// Decrypts as much of `input` as fits into `space`.
    func read(_ input: ReadBuffer, into space: UnsafeMutableRawBufferPointer) -> Reading {
        if let failure { return .failed(failure) }
        if hasEnd { return .end }
        if isTruncated { return .truncated }
        var total: Int = 0
        var result: Reading = .needsInput
        take(input) {
            while total < space.count {
                var count: Int = 0
                ERR_clear_error()
                let done: Int32 = SSL_read_ex(ssl, space.baseAddress.map { $0 + total }, space.count - total, &count)
                total += count
                guard done == 1 else {
                    result = outcome(SSL_get_error(ssl, done))
                    break
                }
                // Asking once more, only to hear that there is nothing, would cost as much as a small record.
                if pipe.isExhausted, SSL_has_pending(ssl) == 0 { break }
            }
        }
        if pipe.output.count > Limits.tlsUnsentBytes {
            let fault: TLSFault = fault(.protocolError, "the peer changes its keys without end")
            failure = fault
            result = .failed(fault)
        }
        // What was decrypted goes first; an end or a failure is found again by the next call.
        return total > 0 ? .bytes(total) : result
    }

    /// Encrypts a part of `bytes`, behind what waits to be sent.
    func write(_ bytes: [UInt8], _ range: Range<Int>) throws(TLSFault) {
        if let failure { throw failure }
        pipe.reserve(range.count)
        ERR_clear_error()
        var written: Int = 0
        let done: Int32 = bytes.withUnsafeBytes {
            SSL_write_ex(ssl, $0.baseAddress.map { $0 + range.lowerBound }, range.count, &written)
        }
        guard done == 1, written == range.count else {
            throw fault(.protocolError, "nothing can be sent any more: \(OpenSSLErrors.take().text)")
        }
    }

    /// Writes the closing message, once; not after a failure, whose alert is its own closing message.
    func sayGoodbye() {
        guard isEstablished, failure == nil, !isTruncated, !saidGoodbye else { return }
        saidGoodbye = true
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
        ERR_clear_error()
    }

    /// Removes and returns what is to be sent, in the order in which it was made.
    func takeOutput() -> [UInt8] { pipe.takeOutput() }

    @discardableResult
    private func take<Result>(_ input: ReadBuffer, _ body: () -> Result) -> Result {
        let (result, taken): (Result, Int) = input.storage.withUnsafeBytes { storage in
            pipe.lend(UnsafeRawBufferPointer(rebasing: storage[input.start..<input.end]), body)
        }
        input.consume(taken)
        return result
    }

    private func outcome(_ error: Int32) -> Reading {
        switch error {
        case SSL_ERROR_WANT_READ: return .needsInput
        case SSL_ERROR_ZERO_RETURN:
            hasEnd = true
            return .end
        default:
            let errors: OpenSSLErrors = .take()
            if errors.reason == SSL_R_UNEXPECTED_EOF_WHILE_READING {
                isTruncated = true
                return .truncated
            }
            let fault: TLSFault = dataFault(errors)
            failure = fault
            return .failed(fault)
        }
    }

    /// The session that a callback of OpenSSL is about.
    static func of(_ ssl: OpaquePointer) -> TLSSession? {
        guard let data = SSL_get_ex_data(ssl, 0) else { return nil }
        return Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
    }
}
