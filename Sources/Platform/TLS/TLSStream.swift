package import Certificates
package import EventLoop
internal import Glibc
internal import Limits
internal import Synchronization

/// A connection inside TLS 1.3, over any other connection.
///
/// Order: records leave in the order in which OpenSSL made them, because only the one writer sends. What a read has to
/// send (the answer to a peer's key update) waits for the next write, as RFC 8446, section 4.6.3, allows.
///
/// The end: a read returns 0 only after the peer's closing message. A connection that just stops may have been cut by
/// anybody, so reading then fails like a reset connection (``NetworkFault/system(operation:object:code:)``, ECONNRESET);
/// a reader whose framing told it the end does not get there.
package final class TLSStream: ByteStream, @unchecked Sendable {
    // @unchecked: `cipher` belongs to the one reader or attendant, and `State.isReading` keeps others out; `session` is used under
    // the lock of `state` only; the rest never changes after the handshake.

    package var loop: EventLoop { base.loop }
    package var local: Endpoint { base.local }
    package var peer: Endpoint { base.peer }

    /// Who the peer is, verified; nil when it presented no certificate.
    package var peerCertificate: Certificate? { peerChain.first }
    /// The verified chain: the peer's certificate first, the trusted authority last.
    package let peerChain: [Certificate]
    /// What ALPN agreed on.
    package let negotiatedProtocol: String?

    let base: any ByteStream
    let session: TLSSession
    /// Received, not decrypted yet.
    let cipher: ReadBuffer
    let state = Mutex<State>(State())

    struct State {
        var isReading: Bool = false
        var isWriting: Bool = false
        var isClosed: Bool = false
        /// A write broke off: a part of a record may be on its way, so nothing can follow.
        var isBroken: Bool = false
        var isFinished: Bool = false
    }

    init(_ base: any ByteStream, _ session: TLSSession, _ cipher: ReadBuffer) throws(TLSFault) {
        self.base = base
        self.session = session
        self.cipher = cipher
        peerChain = try session.peerChain()
        negotiatedProtocol = session.negotiatedProtocol
    }

    /// Uses the session while nobody else does.
    func withSession<Result: Sendable>(_ body: (TLSSession) -> Result) -> Result {
        state.withLock { _ in body(session) }
    }

    // MARK: Reading

    package func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int {
        cipher.keepsSpace = buffer.keepsSpace
        buffer.rest()
        return try await read(before: deadline) { Self.fill(buffer, $0, $1) }
    }

    package func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8] {
        let size: Int = min(limit, 64 * 1024)
        guard size > 0 else { return [] }
        var bytes: [UInt8] = []
        _ = try await read(before: deadline) { session, cipher in
            var reading: TLSSession.Reading = .needsInput
            bytes = [UInt8](unsafeUninitializedCapacity: size) { space, count in
                reading = session.read(cipher, into: UnsafeMutableRawBufferPointer(space))
                if case .bytes(let read) = reading { count = read }
            }
            return reading
        }
        return bytes
    }

    /// Decrypts with `decrypt`, under the lock, what has come, or waits for more.
    private func read(
        before deadline: Deadline,
        _ decrypt: (TLSSession, ReadBuffer) -> TLSSession.Reading
    ) async throws -> Int {
        try startReading()
        defer { state.withLock { $0.isReading = false } }
        while true {
            if let count: Int = try decrypted(decrypt) { return count }
            if try await base.read(into: cipher, before: deadline) == 0 {
                state.withLock { _ in session.inputEnded() }
            }
        }
    }

    /// What can be decrypted of what has come: how many bytes, 0 at the end, nil when more has to come first.
    func decrypted(_ decrypt: (TLSSession, ReadBuffer) -> TLSSession.Reading) throws -> Int? {
        let reading: TLSSession.Reading? = state.withLock { state in
            guard !state.isClosed else { return nil }
            return session.hasSomething(cipher) ? decrypt(session, cipher) : .needsInput
        }
        switch reading {
        case nil: throw NetworkFault.closed
        case .bytes(let count): return count
        case .end: return 0
        case .failed(let fault): throw fault
        case .truncated:
            throw NetworkFault.system(
                operation: "read from",
                object: "\(peer), which ended without the closing message of TLS",
                code: ECONNRESET
            )
        case .needsInput: return nil
        }
    }

    /// Decrypts into the free space of `buffer`.
    static func fill(_ buffer: ReadBuffer, _ session: TLSSession, _ cipher: ReadBuffer) -> TLSSession.Reading {
        var reading: TLSSession.Reading = .needsInput
        _ = buffer.fill { space in
            reading = session.read(cipher, into: space)
            return if case .bytes(let count) = reading { count } else { 0 }
        }
        return reading
    }

    private func startReading() throws {
        try state.withLock { state in
            precondition(!state.isReading, "two tasks read from one stream")
            guard !state.isClosed else { throw NetworkFault.closed }
            state.isReading = true
        }
    }

    // MARK: Writing

    package func write(_ bytes: [UInt8], before deadline: Deadline) async throws {
        guard !bytes.isEmpty else { return }
        try startWriting()
        do {
            var position: Int = 0
            while position < bytes.count {
                let end: Int = min(position + Limits.tlsWriteBytes, bytes.count)
                let records: [UInt8] = try state.withLock { state in
                    guard !state.isClosed else { throw NetworkFault.closed }
                    try session.write(bytes, position..<end)
                    return session.takeOutput()
                }
                try await base.write(records, before: deadline)
                position = end
            }
        } catch {
            state.withLock { state in
                state.isWriting = false
                state.isBroken = true
            }
            throw error
        }
        state.withLock { $0.isWriting = false }
    }

    private func startWriting() throws {
        try state.withLock { state in
            precondition(!state.isWriting, "two tasks write to one stream")
            guard !state.isClosed, !state.isBroken, !state.isFinished else { throw NetworkFault.closed }
            state.isWriting = true
        }
    }

    package func finishWriting() async {
        let records: [UInt8] = state.withLock { state in
            guard !state.isFinished, !state.isClosed else { return [] }
            state.isFinished = true
            // In the middle of a write nothing can be put in between: the peer sees a cut connection, which it is.
            guard !state.isWriting, !state.isBroken else { return [] }
            state.isWriting = true
            session.sayGoodbye()
            return session.takeOutput()
        }
        if !records.isEmpty {
            try? await base.write(records, before: .after(seconds: Limits.tlsCloseSeconds))
            state.withLock { $0.isWriting = false }
        }
        await base.finishWriting()
    }

    // MARK: The peer

    package func isQuiet() async -> Bool {
        guard hasNothing else { return false }
        return await base.isQuiet()
    }

    /// Nothing has come that was not read.
    var hasNothing: Bool {
        state.withLock { state in
            !state.isClosed && session.isQuiet && (state.isReading || cipher.isEmpty)
        }
    }

    package func waitForPeerClose() async throws {
        // Every peer that ends its side ends the connection below it, too; so nothing has to be read to see it.
        let isOver: Bool = state.withLock { $0.isClosed || session.hasEnd }
        guard !isOver else { return }
        try await base.waitForPeerClose()
    }

    package func close() {
        let records: [UInt8]? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            guard !state.isWriting, !state.isBroken else { return [] }
            session.sayGoodbye()
            return session.takeOutput()
        }
        guard let records else { return }
        guard !records.isEmpty else { return base.close() }
        let base: any ByteStream = base
        // Ends by itself: what the system does not take at once is not sent.
        Task(executorPreference: base.loop) {
            try? await base.write(records, before: .after(milliseconds: 0))
            base.close()
        }
    }
}
