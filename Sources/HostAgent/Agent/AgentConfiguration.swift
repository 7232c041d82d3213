package import Logging

/// Which runtime an agent is to use.
package enum RuntimeChoice: String, Sendable, CaseIterable {
    /// The first of docker, oci and process that works here; never `simulated`, which runs nothing.
    case auto
    case docker
    case oci
    case process
    case simulated
}

/// What an agent is told when it starts.
package struct AgentConfiguration: Sendable {
    /// Of nodes or of what stands before them, such as `https://10.0.0.1:8443`; at least one, all of one scheme.
    ///
    /// The agent learns the others from them.
    package var urls: [ServerURL]
    /// The registration token; needed until the host is registered.
    package var token: Secret<String>?
    /// The folder for identity, orders and, in a simulation, containers.
    package var dataFolder: String
    package var runtime: RuntimeChoice
    /// Put on the host in addition to those that the agent finds out.
    package var labels: [String: String]
    /// Where published ports are bound and answer.
    ///
    /// nil binds to all addresses and tells of the first that is found.
    package var address: String?
    /// nil is the machine's own.
    package var hostname: String?
    /// `DOCKER_HOST`; nil for the usual socket.
    package var dockerHost: String?
    /// Where the runtimes oci and process look for archives of images, by reference, before they ask a registry.
    package var localImages: String?
    /// How long each operation of a simulated runtime takes.
    package var simulatedLatency: Duration
    /// Milliseconds since 1970: what the times in certificates are compared with.
    package var now: @Sendable () -> Int64

    package init(
        urls: [ServerURL],
        token: String?,
        dataFolder: String,
        runtime: RuntimeChoice = .auto,
        labels: [String: String] = [:],
        address: String? = nil,
        hostname: String? = nil,
        dockerHost: String? = nil,
        localImages: String? = nil,
        simulatedLatency: Duration = .zero,
        now: @escaping @Sendable () -> Int64 = WallClock.milliseconds
    ) {
        self.urls = urls
        self.token = token.map { Secret($0) }
        self.dataFolder = dataFolder
        self.runtime = runtime
        self.labels = labels
        self.address = address
        self.hostname = hostname
        self.dockerHost = dockerHost
        self.localImages = localImages
        self.simulatedLatency = simulatedLatency
        self.now = now
    }
}
