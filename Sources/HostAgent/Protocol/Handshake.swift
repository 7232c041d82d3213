package import JSON

/// What a host is, besides its containers.
package struct HostFacts: Sendable, Hashable {
    package var hostUUID: String
    package var agentVersion: String
    /// `docker` or `simulated`.
    package var runtime: String
    package var hostname: String
    /// Where the host's published ports answer.
    package var address: String
    package var labels: [String: String]
    /// In bytes.
    package var memory: UInt64
    /// Thousandths of a processor.
    package var milliCPU: UInt64
    /// In MiB.
    package var localStorageMB: UInt64
    /// The API's `info` of a host.
    package var info: JSONObject

    package init(
        hostUUID: String,
        agentVersion: String,
        runtime: String,
        hostname: String,
        address: String,
        labels: [String: String] = [:],
        memory: UInt64 = 0,
        milliCPU: UInt64 = 0,
        localStorageMB: UInt64 = 0,
        info: JSONObject = [:]
    ) {
        self.hostUUID = hostUUID
        self.agentVersion = agentVersion
        self.runtime = runtime
        self.hostname = hostname
        self.address = address
        self.labels = labels
        self.memory = memory
        self.milliCPU = milliCPU
        self.localStorageMB = localStorageMB
        self.info = info
    }
}

/// The agent's first frame on a stream: who it is, and what it already holds.
package struct Hello: Sendable, Hashable {
    package var facts: HostFacts
    /// nil when no cluster has welcomed it yet.
    package var knownIncarnation: String?
    package var knownEpoch: UInt64
    /// A server that still knows what changed since then may answer with a delta.
    package var knownRevision: UInt64

    package init(facts: HostFacts, knownIncarnation: String?, knownEpoch: UInt64, knownRevision: UInt64) {
        self.facts = facts
        self.knownIncarnation = knownIncarnation
        self.knownEpoch = knownEpoch
        self.knownRevision = knownRevision
    }

    init(_ members: FrameMembers) throws(FrameError) {
        let facts = HostFacts(
            hostUUID: try members.uuid("hostUuid"),
            agentVersion: try members.optionalText("agentVersion") ?? "",
            runtime: try members.text("runtime"),
            hostname: try members.text("hostname"),
            address: try members.text("address"),
            labels: try members.textMap("labels"),
            memory: try members.optionalCount("memory") ?? 0,
            milliCPU: try members.optionalCount("milliCpu") ?? 0,
            localStorageMB: try members.optionalCount("localStorageMb") ?? 0,
            info: try members.object("info")
        )
        self.init(
            facts: facts,
            knownIncarnation: try members.optionalText("knownIncarnation"),
            knownEpoch: try members.optionalCount("knownEpoch") ?? 0,
            knownRevision: try members.optionalCount("knownRevision") ?? 0
        )
    }

    func append(to object: inout JSONObject) {
        object.append("hostUuid", .string(facts.hostUUID))
        object.append("agentVersion", .string(facts.agentVersion))
        object.append("runtime", .string(facts.runtime))
        object.append("hostname", .string(facts.hostname))
        object.append("address", .string(facts.address))
        object.append("labels", map: facts.labels)
        object.append("memory", JSONValue(facts.memory))
        object.append("milliCpu", JSONValue(facts.milliCPU))
        object.append("localStorageMb", JSONValue(facts.localStorageMB))
        object.append("info", .object(facts.info))
        object.append("knownIncarnation", ifPresent: knownIncarnation)
        object.append("knownEpoch", JSONValue(knownEpoch))
        object.append("knownRevision", JSONValue(knownRevision))
    }
}

/// The server's first frame on a stream; the agent adopts the incarnation of its stamp.
package struct Welcome: Sendable, Hashable {
    /// The host's API id, such as `1h3`.
    package var hostID: String
    package var hostNumber: UInt64
    /// How often the server sends a ping.
    package var pingSeconds: UInt64
    /// Base URLs of all gateways, of every scheme that they speak; empty from a server that does not tell.
    package var servers: [String]

    package init(hostID: String, hostNumber: UInt64, pingSeconds: UInt64, servers: [String] = []) {
        self.hostID = hostID
        self.hostNumber = hostNumber
        self.pingSeconds = pingSeconds
        self.servers = servers
    }

    init(_ members: FrameMembers) throws(FrameError) {
        self.init(
            hostID: try members.text("hostId"),
            hostNumber: try members.count("hostNumber"),
            pingSeconds: try members.count("pingSeconds"),
            servers: try members.texts("servers")
        )
    }

    func append(to object: inout JSONObject) {
        object.append("hostId", .string(hostID))
        object.append("hostNumber", JSONValue(hostNumber))
        object.append("pingSeconds", JSONValue(pingSeconds))
        if !servers.isEmpty { object.append("servers", .array(servers.map { .string($0) })) }
    }
}
