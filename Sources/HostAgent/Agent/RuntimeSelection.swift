import EventLoop
import HostAgentCore
import HostRuntime
import Limits

/// From `--runtime` to a runtime that works.
enum RuntimeSelection {
    static func choose(
        _ configuration: AgentConfiguration,
        hostUUID: String,
        folder: AgentFolder,
        loop: EventLoop
    ) async throws(AgentFault) -> any ContainerRuntime {
        let address: String = configuration.address ?? "0.0.0.0"
        do throws(OperationFailure) {
            switch configuration.runtime {
            case .simulated:
                return try SimulatedRuntime(
                    address: address,
                    latency: configuration.simulatedLatency,
                    path: folder.simulatedContainers
                )
            case .docker: return try await docker(configuration, hostUUID, address, loop)
            case .auto:
                do throws(OperationFailure) {
                    return try await docker(configuration, hostUUID, address, loop)
                } catch {
                    throw OperationFailure(
                        "no container runtime works here: \(error.message); install and start a Docker Engine "
                            + "(apt-get install docker.io), or give --runtime simulated, which runs nothing"
                    )
                }
            }
        } catch {
            throw AgentFault(error.message)
        }
    }

    private static func docker(
        _ configuration: AgentConfiguration,
        _ hostUUID: String,
        _ address: String,
        _ loop: EventLoop
    ) async throws(OperationFailure) -> DockerRuntime {
        try await DockerRuntime.connect(
            socketPath: try DockerEngine.socketPath(dockerHost: configuration.dockerHost),
            hostUUID: hostUUID,
            address: address,
            loop: loop
        )
    }
}
