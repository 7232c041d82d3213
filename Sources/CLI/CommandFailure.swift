/// Why a command ends without having done what it was asked for; the message is for the person who typed it.
package struct CommandFailure: Error, Equatable, Sendable {
    /// Empty when all has been said already.
    package var message: String
    /// 1: failed; 2: bad usage.
    package var exitCode: Int32

    package init(_ message: String, exitCode: Int32 = 1) {
        self.message = message
        self.exitCode = exitCode
    }

    package static func usage(_ message: String) -> CommandFailure { CommandFailure(message, exitCode: 2) }

    /// The reasons have been printed.
    package static let alreadyTold = CommandFailure("")
}
