/// Why an agent ends: a sentence for the one who started it, and the code that its process exits with.
package struct AgentFault: Error, Equatable, Sendable, CustomStringConvertible {
    package let message: String
    /// 1: it could not do its work; 3: the server does not know this host any more.
    package let exitCode: Int32

    package init(_ message: String, exitCode: Int32 = 1) {
        self.message = message
        self.exitCode = exitCode
    }

    package var description: String { message }
}
