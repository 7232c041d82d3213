internal import COpenSSL

extension TLSSession {
    /// Chooses the first of our protocols that the client offers (RFC 7301).
    static func selectProtocol(
        _ ssl: OpaquePointer?,
        _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
        _ chosenCount: UnsafeMutablePointer<UInt8>?,
        _ offered: UnsafePointer<UInt8>?,
        _ offeredCount: UInt32
    ) -> Int32 {
        guard let session = ssl.flatMap(of), let chosen, let chosenCount, let offered else {
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
        let list = UnsafeBufferPointer(start: offered, count: Int(offeredCount))
        for wanted in session.context.protocols {
            var start: Int = 0
            while start < list.count {
                let end: Int = start + 1 + Int(list[start])
                guard end <= list.count else { break }
                if list[(start + 1)..<end].elementsEqual(wanted) {
                    chosen.pointee = offered + start + 1
                    chosenCount.pointee = list[start]
                    return SSL_TLSEXT_ERR_OK
                }
                start = end
            }
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
}
