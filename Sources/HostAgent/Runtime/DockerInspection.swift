import HostAgentCore
import JSON

/// What the engine tells of one container.
struct DockerInspection {
    let document: JSONValue

    var labels: JSONObject { document["Config"]?["Labels"]?.object ?? [:] }
    var isTerminal: Bool { document["Config"]?["Tty"]?.bool ?? false }
    var stopSeconds: Int64 { document["Config"]?["StopTimeout"]?.int ?? 10 }

    /// nil when it is not of this host.
    func container(hostUUID: String) -> RuntimeContainer? {
        guard labels[DockerLabels.host]?.string == hostUUID, let id: String = document["Id"]?.string,
            let uuid: String = labels[DockerLabels.instance]?.string
        else { return nil }
        let state: JSONValue = document["State"] ?? .null
        let isRunning: Bool = state["Running"]?.bool ?? false
        let phase: RuntimeContainer.Phase =
            isRunning ? .running : state["Status"]?.string == "created" ? .created : .exited
        let name: String = document["Name"]?.string ?? id
        return RuntimeContainer(
            uuid: uuid,
            number: labels[DockerLabels.number]?.string.flatMap { UInt64($0) } ?? 0,
            externalID: id,
            name: name.hasPrefix("/") ? String(name.dropFirst()) : name,
            phase: phase,
            exitCode: phase == .exited ? state["ExitCode"]?.int : nil,
            startedAt: phase == .created ? nil : state["StartedAt"]?.string,
            primaryIPAddress: isRunning ? address : nil,
            message: message(state, phase)
        )
    }

    private var address: String? {
        let settings: JSONValue = document["NetworkSettings"] ?? .null
        if let address: String = settings["IPAddress"]?.string, !address.isEmpty { return address }
        for (_, network) in settings["Networks"]?.object ?? [:] {
            if let address: String = network["IPAddress"]?.string, !address.isEmpty { return address }
        }
        return nil
    }

    private func message(_ state: JSONValue, _ phase: RuntimeContainer.Phase) -> String? {
        if phase == .running, state["Paused"]?.bool == true { return "paused" }
        guard phase == .exited else { return nil }
        let code: Int64 = state["ExitCode"]?.int ?? 0
        if state["OOMKilled"]?.bool == true {
            return "ended with code \(code): the kernel killed it, since it used more memory than it may"
        }
        if let error: String = state["Error"]?.string, !error.isEmpty { return error }
        return nil
    }
}
