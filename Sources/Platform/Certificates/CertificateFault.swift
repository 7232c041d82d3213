internal import COpenSSL

/// Why a certificate, a request or a key could not be read, made or used.
package struct CertificateFault: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// The bytes are not what they should be.
        case malformed
        /// Well formed, but of a kind that is not used here (an encrypted key, a weak key, a text with NUL).
        case unsuitable
        /// Two things that belong together do not: a key and its certificate, a request and its signature.
        case mismatch
        /// A wish that no certificate can carry out.
        case invalidProfile
        /// OpenSSL could not do it.
        case failed
    }

    package let reason: Reason
    /// What is wrong with what, in words; never holds key material.
    package let message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    package var description: String { message }

    /// A failure of OpenSSL, with the cause that it left behind.
    static func openSSL(_ operation: String) -> CertificateFault {
        var cause: String = "no reason given"
        while case let code = ERR_get_error(), code != 0 {
            if let text = ERR_reason_error_string(code) { cause = String(cString: text) }
        }
        return CertificateFault(.failed, "cannot \(operation): \(cause)")
    }
}
