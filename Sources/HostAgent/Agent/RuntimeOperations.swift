import HostAgentCore
import HostRuntime

/// From the core's operations to the runtime's calls.
enum RuntimeOperations {
    static func perform(
        _ operation: Operation,
        on runtime: any ContainerRuntime
    ) async throws(OperationFailure) -> OperationOutcome {
        switch operation.kind {
        case .pull:
            if let spec = operation.spec { try await runtime.pull(spec) }
            return .done
        case .create:
            guard let spec = operation.spec else { return .container(nil) }
            return .container(try await runtime.create(spec))
        case .start(let externalID): return .container(try await runtime.start(externalID))
        case .stop(let externalID): return .container(try await runtime.stop(externalID))
        case .remove(let externalID):
            try await runtime.remove(externalID)
            return .container(try await runtime.inspect(uuid: operation.uuid))
        case .inspect: return .container(try await runtime.inspect(uuid: operation.uuid))
        }
    }
}
