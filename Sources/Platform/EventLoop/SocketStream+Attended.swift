internal import CLinux
internal import Glibc

extension SocketStream: AttendedStream {
    package var attended: (any AttendedStream)? { self }

    package func attend(_ attendant: any StreamAttendant) throws {
        guard descriptor >= 0 else { throw NetworkFault.closed }
        // The edge of what has come before is not told of again.
        let isRegistered: Bool = isRegistered
        try register()
        self.attendant = attendant
        if isRegistered { attendant.streamIsReady() }
    }

    package func stopAttending() { attendant = nil }

    package var isQuietNow: Bool {
        guard descriptor >= 0, !sawHangup else { return false }
        guard input.isReady else { return true }
        var byte: UInt8 = 0
        guard recv(descriptor, &byte, 1, Int32(MSG_PEEK)) < 0, errno == EAGAIN else { return false }
        input.isReady = false
        return true
    }

    package func readNow(into buffer: ReadBuffer) throws -> Int? {
        guard descriptor >= 0 else { throw NetworkFault.closed }
        while input.isReady {
            let (count, filledUp): (Int, Bool) = buffer.fill { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count >= 0 {
                // A short read has drained the socket, unless its end is still to be read.
                if !filledUp && !sawHangup { input.isReady = false }
                return count
            }
            let code: Int32 = errno
            try check("read from", code)
            if code == EAGAIN { input.isReady = false }
        }
        buffer.rest()
        return nil
    }

    package func sendNow(_ bytes: [UInt8]) throws -> Bool {
        guard unsent.isEmpty else {
            unsent += bytes
            return try sendRest()
        }
        let sent: Int = try send(bytes)
        if sent < bytes.count { unsent = Array(bytes[sent...]) }
        return unsent.isEmpty
    }

    package func sendRest() throws -> Bool {
        guard !unsent.isEmpty else { return true }
        let sent: Int = try send(unsent)
        unsent = sent == unsent.count ? [] : Array(unsent[sent...])
        return unsent.isEmpty
    }

    /// How many of the bytes the system has taken.
    private func send(_ bytes: [UInt8]) throws -> Int {
        guard descriptor >= 0 else { throw NetworkFault.closed }
        var sent: Int = 0
        while sent < bytes.count, output.isReady {
            let count: Int = bytes.withUnsafeBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else {
                let code: Int32 = errno
                try check("write to", code)
                if code == EAGAIN { output.isReady = false }
            }
        }
        return sent
    }
}
