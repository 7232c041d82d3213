import CLinux
import Glibc
import HostAgentCore
import JSON

/// Starts a container that is a plain child, at most with a root folder of its own.
struct PlainStart {
    let folder: ContainerFolder
    let plan: ContainerPlan

    /// - Parameter before: told of the process before its program runs.
    func start(_ before: (RunningChild) throws(OperationFailure) -> Void) throws(OperationFailure) -> RunningChild {
        try start(
            address: try Self.address(plan),
            command: nil,
            isTerminal: plan.isTerminal,
            keepsInput: plan.keepsInput,
            before
        )
    }

    /// Another process with the container's root, user and variables.
    func exec(_ order: ExecOrder) throws(OperationFailure) -> RunningChild {
        try start(
            address: folder.state()?.address,
            command: order.command,
            isTerminal: order.isTerminal,
            keepsInput: order.hasInput
        ) { (_) throws(OperationFailure) in }
    }

    private func start(
        address: String?,
        command: [String]?,
        isTerminal: Bool,
        keepsInput: Bool,
        _ before: (RunningChild) throws(OperationFailure) -> Void
    ) throws(OperationFailure) -> RunningChild {
        let streams = try ChildStreams(keepsInput: keepsInput)
        var terminal: Int32 = -1
        var slave: Int32 = -1
        if isTerminal {
            guard openpty(&terminal, &slave, nil, nil, nil) == 0 else { throw FolderTree.failure("open", "a terminal") }
            for descriptor in [terminal, slave] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
            _ = fcntl(terminal, F_SETFL, fcntl(terminal, F_GETFL) | O_NONBLOCK)
        }
        // The child tells here why its program does not run; that it is closed unused means that it does.
        let report = try ShimPipe()
        var environment: [String] = address.map { ["\(PlainChild.addressVariable)=\($0)"] } ?? []
        if let command {
            environment.append(
                "\(PlainChild.commandVariable)=\(String(decoding: JSONWriter.bytes(JSONValue(command)), as: UTF8.self))"
            )
        }
        let process: pid_t
        do {
            process = try ShimProcess.spawn(
                ShimProcess.ownPath,
                SupervisorProcess.arguments("child", folder.path),
                environment: environment,
                input: isTerminal ? slave : streams.childInput,
                output: isTerminal ? slave : streams.childOutput,
                error: isTerminal ? slave : streams.childError,
                report: report.write,
                ownSession: true
            )
        } catch {
            streams.closeChildEnds()
            close(report.read)
            close(report.write)
            throw error
        }
        close(report.write)
        defer { close(report.read) }
        streams.closeChildEnds()
        if slave >= 0 { close(slave) }
        var child = RunningChild(
            process: process,
            output: isTerminal ? terminal : streams.output,
            error: isTerminal ? -1 : streams.error,
            input: isTerminal ? -1 : streams.keptInput
        )
        child.address = address
        // It has stopped itself, right before its program.
        var raw: Int32 = 0
        while waitpid(process, &raw, WUNTRACED) < 0 {
            guard errno == EINTR else { throw FolderTree.failure("wait for", "container \(plan.name)") }
        }
        guard raw & 0xFF == 0x7F else { throw refusal(Self.all(report.read)) }
        try before(child)
        kill(process, SIGCONT)
        let cause: String = Self.all(report.read)
        if !cause.isEmpty {
            _ = waitpid(process, &raw, 0)
            throw refusal(cause)
        }
        return child
    }

    /// All that comes until the other end is closed.
    private static func all(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var text: [UInt8] = []
        while true {
            let count: Int = read(descriptor, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += bytes[..<count]
        }
    }

    /// Where its program is to listen: an address of its own on the machine's loopback, so that containers that listen on
    /// the same port live side by side.
    private static func address(_ plan: ContainerPlan) throws(OperationFailure) -> String? {
        let isDirect: Bool = plan.ports.isEmpty == false && forwarded(plan.ports).isEmpty
        return isDirect ? "0.0.0.0" : try MachineAddresses.loopback.take(for: "\(plan.hostUUID) \(plan.uuid)")
    }

    /// The ports that a supervisor takes: a program that listens on all addresses publishes the rest itself.
    static func forwarded(_ ports: [ContainerPlan.Port]) -> [ContainerPlan.Port] {
        let isDirect: Bool = ports.allSatisfy { $0.address == "0.0.0.0" && $0.port == $0.inside }
        return isDirect ? [] : ports
    }

    private func refusal(_ cause: String) -> OperationFailure {
        OperationFailure("cannot start container \(plan.name): \(cause.isEmpty ? "it ended at once" : cause)")
    }
}
