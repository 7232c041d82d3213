import HostAgentCore
import HostProtocol
import JSON

/// What a container's supervisor has last written of it; before its first start there is nothing.
struct ContainerState: Hashable, Sendable {
    var phase: RuntimeContainer.Phase
    /// Of its first process, as the machine counts.
    var process: Int32
    var startedAt: String
    var exitCode: Int64?
    var address: String?
    var message: String?

    var json: JSONValue {
        [
            "version": 1, "phase": .string(phase.rawValue), "process": .int(Int64(process)),
            "startedAt": .string(startedAt), "exitCode": JSONValue(exitCode), "address": JSONValue(address),
            "message": JSONValue(message),
        ]
    }

    init(phase: RuntimeContainer.Phase, process: Int32, startedAt: String, address: String?, message: String?) {
        self.phase = phase
        self.process = process
        self.startedAt = startedAt
        self.address = address
        self.message = message
    }

    init(_ value: JSONValue) throws(FrameError) {
        let members = try FrameMembers(value, at: "state")
        phase = try members.word("phase", RuntimeContainer.Phase.self)
        process = Int32(truncatingIfNeeded: try members.count("process"))
        startedAt = try members.text("startedAt")
        exitCode = try members.optionalInteger("exitCode")
        address = try members.optionalText("address")
        message = try members.optionalText("message")
    }

    /// It has ended.
    mutating func end(code: Int64, message: String?) {
        phase = .exited
        exitCode = code
        address = nil
        self.message = message
    }
}
