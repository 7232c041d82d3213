package import EventLoop
internal import Limits
internal import Synchronization

extension TLSStream: AttendedStream {
    package var attended: (any AttendedStream)? { base.attended == nil ? nil : self }

    /// The connection below, which is there: else nobody attends.
    private func below() throws -> any AttendedStream {
        guard let base: any AttendedStream = base.attended else { throw NetworkFault.closed }
        return base
    }

    package func attend(_ attendant: any StreamAttendant) throws {
        try below().attend(attendant)
    }

    package func stopAttending() { base.attended?.stopAttending() }

    package var isQuietNow: Bool { hasNothing && base.attended?.isQuietNow ?? false }

    package func readNow(into buffer: ReadBuffer) throws -> Int? {
        let base: any AttendedStream = try below()
        cipher.keepsSpace = buffer.keepsSpace
        while true {
            if let count: Int = try decrypted({ Self.fill(buffer, $0, $1) }) { return count }
            guard let count: Int = try base.readNow(into: cipher) else {
                buffer.rest()
                return nil
            }
            if count == 0 { state.withLock { _ in session.inputEnded() } }
        }
    }

    package func sendNow(_ bytes: [UInt8]) throws -> Bool {
        let base: any AttendedStream = try below()
        return try settled {
            let records: [UInt8] = try state.withLock { state in
                guard !state.isClosed, !state.isBroken, !state.isFinished else { throw NetworkFault.closed }
                // Until the system has everything: nothing that others say then would stand at its place.
                state.isWriting = true
                var position: Int = 0
                while position < bytes.count {
                    let end: Int = min(position + Limits.tlsWriteBytes, bytes.count)
                    try session.write(bytes, position..<end)
                    position = end
                }
                return session.takeOutput()
            }
            return try base.sendNow(records)
        }
    }

    package func sendRest() throws -> Bool {
        let base: any AttendedStream = try below()
        return try settled { try base.sendRest() }
    }

    private func settled(_ send: () throws -> Bool) throws -> Bool {
        do {
            let isSent: Bool = try send()
            state.withLock { $0.isWriting = !isSent }
            return isSent
        } catch {
            state.withLock { state in
                state.isWriting = false
                state.isBroken = true
            }
            throw error
        }
    }
}
