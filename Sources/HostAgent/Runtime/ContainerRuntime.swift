package import HostAgentCore
package import HostProtocol
import Limits

/// What runs containers on this machine.
///
/// A runtime shows and touches only containers that carry its host's label, so that several agents can share an
/// engine. Every call is safe to repeat. Errors name what was done to what, why it failed and what helps.
package protocol ContainerRuntime: Sendable {
    /// `docker`, `oci`, `process` or `simulated`.
    var name: String { get }
    /// Labels that the runtime adds to its host's, such as the engine's version.
    var hostLabels: [String: String] { get }

    /// All containers of this host.
    func inventory() async throws(OperationFailure) -> [RuntimeContainer]

    /// The container of an instance; nil when there is none.
    func inspect(uuid: String) async throws(OperationFailure) -> RuntimeContainer?

    /// Gets the image if it is absent, or if the label `io.rancher.container.pull_image` says `always`.
    func pull(_ spec: InstanceSpec) async throws(OperationFailure)

    /// Makes the container of an instance; when there is one already, that is it.
    func create(_ spec: InstanceSpec) async throws(OperationFailure) -> RuntimeContainer

    /// Does nothing to a container that runs.
    func start(_ externalID: String) async throws(OperationFailure) -> RuntimeContainer

    /// Asks it to end, and ends it when its time to stop is over. Does nothing to one that does not run.
    ///
    /// - Returns: nil when there is no such container.
    func stop(_ externalID: String) async throws(OperationFailure) -> RuntimeContainer?

    /// Removes it, running or not, with its volumes that have no name. Does nothing when it is gone.
    func remove(_ externalID: String) async throws(OperationFailure)

    /// What happens to containers of this host, until the reader stops listening.
    func events() -> AsyncStream<RuntimeEvent>

    /// The output of a container.
    func logs(_ externalID: String, _ options: LogOptions) async throws(OperationFailure) -> any LogSource

    /// Runs a command in a container.
    ///
    /// - Throws: when there is no such container, or it does not run.
    func exec(_ externalID: String, _ request: ExecRequest) async throws(OperationFailure) -> any ExecSession
}

package enum RuntimeEvent: Sendable, Hashable {
    /// Something happened to the container of this instance: look at it.
    case changed(uuid: String)
    /// Listening began, or began again: anything may have happened before.
    case interrupted
}

extension AsyncStream<RuntimeEvent> {
    /// A bounded queue of events; see ``Continuation/tell(_:)``.
    static func makeRuntimeEvents() -> (stream: AsyncStream<RuntimeEvent>, continuation: Continuation) {
        makeStream(bufferingPolicy: .bufferingNewest(Limits.hostEvents))
    }
}

extension AsyncStream<RuntimeEvent>.Continuation {
    /// Adds an event; a listener too slow for all of them is told to look for itself.
    func tell(_ event: RuntimeEvent) {
        if case .dropped = yield(event) { yield(.interrupted) }
    }
}

/// Which output of a container is wanted.
package struct LogOptions: Sendable, Hashable {
    package var follow: Bool
    /// nil is all.
    package var lines: UInt64?
    package var timestamps: Bool
    /// Seconds since 1970.
    package var since: UInt64?

    package init(follow: Bool, lines: UInt64? = nil, timestamps: Bool = false, since: UInt64? = nil) {
        self.follow = follow
        self.lines = lines
        self.timestamps = timestamps
        self.since = since
    }
}

/// Some output of a container; with its time it is one line.
package struct LogPiece: Sendable, Hashable {
    package var kind: LogKind
    package var bytes: [UInt8]
    /// RFC 3339.
    package var time: String?

    package init(kind: LogKind, bytes: [UInt8], time: String? = nil) {
        self.kind = kind
        self.bytes = bytes
        self.time = time
    }
}

/// Output that is read piece by piece, so that a slow reader slows the source and nothing piles up.
package protocol LogSource: Sendable {
    /// The next piece, or nil at the end. Called by one task at a time; ends early when that is cancelled.
    func next() async throws(OperationFailure) -> LogPiece?
    /// Ends it; a reader that waits gets nil or an error.
    func close()
}
