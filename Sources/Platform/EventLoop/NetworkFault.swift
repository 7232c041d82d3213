internal import Glibc

/// Why a socket operation failed: what was attempted, on what, and the cause.
package enum NetworkFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system refused: `code` is an errno.
    case system(operation: String, object: String, code: Int32)
    /// Somebody else listens there: who, when this user may know.
    case addressInUse(String, holder: PortHolder?)
    /// The deadline passed.
    case timedOut(operation: String, object: String)
    /// The stream was closed on this side.
    case closed
    /// The event loop that the stream belongs to was stopped.
    case loopStopped
    /// A name that has no address, or cannot be looked up; `cause` is the resolver's message.
    case unknownHost(name: String, cause: String)
    /// A path that is empty or longer than a Unix socket's address can hold.
    case invalidPath(String)

    package var description: String {
        switch self {
        case .system(let operation, let object, let code):
            "cannot \(operation) \(object): \(Self.message(code))"
        case .addressInUse(let address, let holder?):
            "\(address) is already in use by \(holder); stop it, or choose another address"
        case .addressInUse(let address, nil):
            "\(address) is already in use; stop the program that listens there, or choose another address "
                + "(as root, ss --listening --processes shows which program it is)"
        case .timedOut(let operation, let object): "\(operation) \(object): no answer before the deadline"
        case .closed: "the connection was closed"
        case .loopStopped: "the event loop was stopped"
        case .unknownHost(let name, let cause): "cannot find the address of \(name): \(cause)"
        case .invalidPath(let path): "'\(path)' cannot be the path of a Unix socket: it must have 1 to 107 bytes"
        }
    }

    private static func message(_ code: Int32) -> String {
        guard let text = strerror(code) else { return "error \(code)" }
        return String(cString: text)
    }
}
