import EventLoop
import HostAgentCore
import HostRuntime
import JSON
import Logging

/// From `--runtime` to a runtime that works.
struct RuntimeSelection {
    /// - Parameter logger: told why a runtime that would have been better was not taken.
    static func choose(
        _ configuration: AgentConfiguration,
        hostUUID: String,
        folder: AgentFolder,
        loop: EventLoop,
        logger: Logger
    ) async throws(AgentFault) -> any ContainerRuntime {
        let held: String? = try folder.runtime()
        let runtime: any ContainerRuntime = try await find(configuration, held, hostUUID, folder, loop, logger)
        try folder.save(runtime: runtime.name)
        return runtime
    }

    /// - Parameter held: the runtime that this host's containers are in: another would not see them and make them anew.
    private static func find(
        _ configuration: AgentConfiguration,
        _ held: String?,
        _ hostUUID: String,
        _ folder: AgentFolder,
        _ loop: EventLoop,
        _ logger: Logger
    ) async throws(AgentFault) -> any ContainerRuntime {
        let wanted: RuntimeChoice =
            configuration.runtime == .auto
            ? held.flatMap { .init(rawValue: $0) } ?? .auto
            : configuration.runtime
        let choice = RuntimeSelection(configuration: configuration, hostUUID: hostUUID, folder: folder, loop: loop)
        do throws(OperationFailure) {
            switch wanted {
            case .simulated:
                return try SimulatedRuntime(
                    address: choice.address,
                    latency: configuration.simulatedLatency,
                    path: folder.simulatedContainers
                )
            case .docker: return try await choice.docker()
            case .oci: return try await choice.supervised(.oci)
            case .process:
                logger.notice(
                    "the runtime 'process' isolates nothing: its containers are plain processes of this machine"
                )
                return try await choice.supervised(.process)
            case .auto: return try await choice.firstThatWorks(logger)
            }
        } catch {
            let why: String =
                configuration.runtime == wanted
                ? ""
                : "; this host's containers are in the runtime '\(wanted.rawValue)' (--runtime takes another all the same)"
            throw AgentFault(error.message + why)
        }
    }

    let configuration: AgentConfiguration
    let hostUUID: String
    let folder: AgentFolder
    let loop: EventLoop

    private var address: String { configuration.address ?? "0.0.0.0" }

    private func firstThatWorks(_ logger: Logger) async throws(OperationFailure) -> any ContainerRuntime {
        var refusals: [String] = []
        func refuse(_ name: String, _ failure: OperationFailure) {
            logger.notice(
                "a runtime does not work here",
                ["runtime": .string(name), "reason": .string(failure.message)]
            )
            refusals.append("\(name): \(failure.message)")
        }
        do throws(OperationFailure) { return try await docker() } catch { refuse("docker", error) }
        do throws(OperationFailure) { return try await supervised(.oci) } catch { refuse("oci", error) }
        do throws(OperationFailure) {
            let runtime: SupervisedRuntime = try await supervised(.process)
            logger.notice("the runtime 'process' isolates nothing: its containers are plain processes of this machine")
            return runtime
        } catch {
            refuse("process", error)
        }
        throw OperationFailure(
            "no container runtime works here (\(refusals.joined(separator: "; "))); install a Docker Engine (apt-get "
                + "install docker.io) or an OCI runtime (apt-get install crun skopeo umoci)"
        )
    }

    private func docker() async throws(OperationFailure) -> DockerRuntime {
        try await DockerRuntime.connect(
            socketPath: try DockerEngine.socketPath(dockerHost: configuration.dockerHost),
            hostUUID: hostUUID,
            address: address,
            importFolder: folder.containers("import"),
            loop: loop
        )
    }

    private func supervised(_ kind: SupervisedKind) async throws(OperationFailure) -> SupervisedRuntime {
        try await SupervisedRuntime.connect(
            kind,
            SupervisedOptions(
                folder: folder.containers(kind.rawValue),
                hostUUID: hostUUID,
                address: address,
                localImages: configuration.localImages
            ),
            loop: loop
        )
    }
}
