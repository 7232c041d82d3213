/// Why a program could not be run to its end.
///
/// A program that ran and failed is no error but a status.
package enum SubprocessError: Error, Equatable, Sendable {
    /// No such file; for a bare name, `searched` are the folders.
    case notFound(program: String, searched: String?)
    /// The operating system refused to start it.
    case notStarted(program: String, cause: String)
    /// It did not end within `seconds` and was killed; `standardError` is what it had said, at most its last 2 KiB.
    case deadlineExceeded(program: String, seconds: Double, standardError: String)
    /// It wrote more than `limitBytes` to one stream and was killed.
    case outputTooLong(program: String, stream: String, limitBytes: Int)
    /// The task that waited was cancelled; the program was killed.
    case cancelled(program: String)
    /// A call to the operating system failed while the program ran; the program was killed.
    case system(program: String, operation: String, cause: String)
}

extension SubprocessError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notFound(let program, let searched?):
            "\(program): not found in PATH (\(searched)); install it or name it by its absolute path"
        case .notFound(let program, nil): "\(program): no such program; install it or correct the path"
        case .notStarted(let program, let cause): "\(program): cannot be started: \(cause)"
        case .deadlineExceeded(let program, let seconds, let standardError):
            "\(program): killed because it did not end within \(seconds) s"
                + (standardError.isEmpty ? "; it said nothing on standard error" : "; it had said: \(standardError)")
        case .outputTooLong(let program, let stream, let limit):
            "\(program): killed because it wrote more than \(limit) bytes to its \(stream)"
        case .cancelled(let program): "\(program): killed because its result is no longer wanted"
        case .system(let program, let operation, let cause): "\(program): killed because \(operation) failed: \(cause)"
        }
    }
}
