/// One container as its runtime tells of it.
package struct RuntimeContainer: Sendable, Hashable {
    package enum Phase: String, Sendable, Hashable, CaseIterable {
        /// Made and never started.
        case created
        case running
        /// Ran and does not run now.
        case exited
    }

    /// The instance that it was made for, from its label.
    package var uuid: String
    package var number: UInt64
    /// The runtime's own id.
    package var externalID: String
    package var name: String
    package var phase: Phase
    /// Of the last run.
    package var exitCode: Int64?
    /// RFC 3339.
    package var startedAt: String?
    package var primaryIPAddress: String?
    /// What the runtime adds, such as why the last run ended.
    package var message: String?

    package init(
        uuid: String,
        number: UInt64,
        externalID: String,
        name: String,
        phase: Phase,
        exitCode: Int64? = nil,
        startedAt: String? = nil,
        primaryIPAddress: String? = nil,
        message: String? = nil
    ) {
        self.uuid = uuid
        self.number = number
        self.externalID = externalID
        self.name = name
        self.phase = phase
        self.exitCode = exitCode
        self.startedAt = startedAt
        self.primaryIPAddress = primaryIPAddress
        self.message = message
    }
}
