internal import COpenSSL

/// What OpenSSL left in the calling thread's queue of errors.
struct OpenSSLErrors {
    /// The reason code of the first error of the TLS library; 0 without one.
    var reason: Int32 = 0
    /// The reason of the first error, in OpenSSL's words.
    var text: String = "no reason given"

    /// Empties the queue.
    static func take() -> OpenSSLErrors {
        var errors = OpenSSLErrors()
        var isFirst: Bool = true
        while case let code = ERR_get_error(), code != 0 {
            if errors.reason == 0, ERR_GET_LIB(code) == ERR_LIB_SSL { errors.reason = ERR_GET_REASON(code) }
            if isFirst, let text = ERR_reason_error_string(code) { errors.text = String(cString: text) }
            isFirst = false
        }
        return errors
    }
}
