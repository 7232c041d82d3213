internal import EventLoop
internal import Limits

/// The conversation before the first byte of data, on one task.
enum TLSHandshake {
    /// Makes a TLS stream of a connection that nothing was read from or written to.
    ///
    /// When that fails the peer is told why, and the connection is closed.
    static func run(
        _ base: any ByteStream,
        _ context: TLSContext,
        serverName: ServerName?,
        before deadline: Deadline
    ) async throws -> TLSStream {
        let deadline: Deadline = min(deadline, .after(seconds: Limits.tlsHandshakeSeconds))
        do {
            let session: TLSSession = try TLSSession(context, peer: "\(base.peer)", serverName: serverName)
            let cipher = ReadBuffer()
            try await converse(base, session, cipher, deadline)
            return try TLSStream(base, session, cipher)
        } catch NetworkFault.timedOut {
            base.close()
            throw NetworkFault.timedOut(operation: "TLS handshake with", object: "\(base.peer)")
        } catch {
            base.close()
            throw error
        }
    }

    private static func converse(
        _ base: any ByteStream,
        _ session: TLSSession,
        _ cipher: ReadBuffer,
        _ deadline: Deadline
    ) async throws {
        while true {
            let progress: TLSSession.Progress = session.shakeHands(cipher)
            let records: [UInt8] = session.takeOutput()
            if case .failed(let fault) = progress {
                await leave(base, records, fault)
                throw fault
            }
            if !records.isEmpty { try await base.write(records, before: deadline) }
            guard case .needsInput = progress else { return }
            if try await base.read(into: cipher, before: deadline) == 0 { session.inputEnded() }
        }
    }

    /// Sends the alert and reads on for a moment: closing with unread bytes would destroy it on its way.
    private static func leave(_ base: any ByteStream, _ alert: [UInt8], _ fault: TLSFault) async {
        guard !alert.isEmpty, fault.reason != .endedInHandshake else { return }
        let deadline: Deadline = .after(milliseconds: Limits.tlsLingerMilliseconds)
        do {
            try await base.write(alert, before: deadline)
            await base.finishWriting()
            var left: Int = Limits.tlsChainBytes
            while left > 0, case let read = try await base.read(upTo: 16 * 1024, before: deadline), !read.isEmpty {
                left -= read.count
            }
        } catch {
            // The peer did not wait for the reason.
        }
    }
}
