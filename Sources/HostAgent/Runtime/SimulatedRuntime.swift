package import HostAgentCore
package import HostProtocol
import JSON
import Logging
import Model
import Synchronization

/// Containers that exist on paper only: for tests, for trying things out, and for many hosts on one machine.
///
/// An image whose name contains `fail-pull`, `fail-create` or `fail-start` fails there; a container whose command ends in
/// `exit N` ends at once with that code; two that publish the same port of the host's address collide, as they would
/// on an engine. Commands run in a pretend shell (``SimulatedExecSession``). With a file, containers outlive the agent and go on "running".
package actor SimulatedRuntime: ContainerRuntime {
    package nonisolated let name: String = "simulated"
    package nonisolated let hostLabels: [String: String] = [:]

    private let address: String
    private let latency: Duration
    private let file: StateFile?
    var containers: [String: SimulatedContainer] = [:]
    private var made: Int
    private var listeners: [Int: AsyncStream<RuntimeEvent>.Continuation] = [:]
    private var listenerCount: Int = 0
    private var logWaiters: [CheckedContinuation<Void, Never>] = []

    /// - Parameter address: where ports are published that name no address.
    /// - Parameter latency: how long each operation takes.
    /// - Parameter path: where containers are kept; nil forgets them with the agent.
    /// - Throws: when the file cannot be read or is not one of ours.
    package init(address: String, latency: Duration = .zero, path: String? = nil) throws(OperationFailure) {
        self.address = address
        self.latency = latency
        file = path.map { StateFile(path: $0) }
        made = 0
        guard let file else { return }
        do {
            guard let bytes: [UInt8] = try file.read() else { return }
            let value: JSONValue = try JSONReader.parse(bytes)
            made = Int(value["made"]?.int ?? 0)
            for each in value["containers"]?.array ?? [] {
                let container = try SimulatedContainer(each)
                containers[container.shown.externalID] = container
            }
        } catch {
            throw OperationFailure("the simulated containers in \(file.path) cannot be read: \(error); move it away")
        }
    }

    package func inventory() async throws(OperationFailure) -> [RuntimeContainer] {
        await pause()
        return containers.values.map(\.shown).sorted { $0.externalID < $1.externalID }
    }

    package func inspect(uuid: String) async throws(OperationFailure) -> RuntimeContainer? {
        containers.values.map(\.shown).filter { $0.uuid == uuid }.min { $0.externalID < $1.externalID }
    }

    package func pull(_ spec: InstanceSpec) async throws(OperationFailure) {
        await pause()
        try refuse(spec, "fail-pull", "cannot pull")
    }

    package func create(_ spec: InstanceSpec) async throws(OperationFailure) -> RuntimeContainer {
        await pause()
        if let there: RuntimeContainer = try await inspect(uuid: spec.uuid) { return there }
        try refuse(spec, "fail-create", "cannot create a container of")
        made += 1
        let launch = LaunchMembers(spec)
        let shown = RuntimeContainer(
            uuid: spec.uuid,
            number: spec.number,
            externalID: "sim-\(made)-\(spec.uuid)",
            name: spec.name,
            phase: .created
        )
        var ports: [String] = []
        for port in try launch.ports() where port.publicPort != nil {
            var bound = port
            bound.ip = port.ip ?? address
            if let key: String = bound.hostPort { ports.append(key) }
        }
        containers[shown.externalID] = SimulatedContainer(
            shown: shown,
            image: try launch.image(),
            command: launch.texts("command"),
            environment: Dictionary(launch.textMap("environment").map { ($0.key, $0.value) }) { $1 },
            ports: ports,
            log: []
        )
        try changed(spec.uuid)
        return shown
    }

    package func start(_ externalID: String) async throws(OperationFailure) -> RuntimeContainer {
        await pause()
        guard var container: SimulatedContainer = containers[externalID] else {
            throw OperationFailure("cannot start \(externalID): there is no such container")
        }
        guard container.shown.phase != .running else { return container.shown }
        if container.image.contains("fail-start") {
            throw OperationFailure("cannot start \(container.shown.name): its image \(container.image) says so")
        }
        try refuseTakenPorts(container)
        container.start(at: LogTime.now().description, number: made)
        containers[externalID] = container
        try changed(container.shown.uuid)
        if let code: Int64 = container.codeOfExit {
            container.end(code: code, at: LogTime.now().description)
            containers[externalID] = container
            try changed(container.shown.uuid)
        }
        return container.shown
    }

    package func stop(_ externalID: String) async throws(OperationFailure) -> RuntimeContainer? {
        await pause()
        return try end(externalID, code: 0)
    }

    /// Ends a container as a crash would: for tests, and the tool that breaks things.
    @discardableResult
    package func end(_ externalID: String, code: Int64) throws(OperationFailure) -> RuntimeContainer? {
        guard var container: SimulatedContainer = containers[externalID] else { return nil }
        guard container.shown.phase == .running else { return container.shown }
        container.end(code: code, at: LogTime.now().description)
        containers[externalID] = container
        try changed(container.shown.uuid)
        return container.shown
    }

    package func remove(_ externalID: String) async throws(OperationFailure) {
        await pause()
        guard let container: SimulatedContainer = containers.removeValue(forKey: externalID) else { return }
        try changed(container.shown.uuid)
    }

    package nonisolated func events() -> AsyncStream<RuntimeEvent> {
        let (stream, continuation) = AsyncStream<RuntimeEvent>.makeRuntimeEvents()
        Task { await self.listen(continuation) }
        return stream
    }

    package func logs(_ externalID: String, _ options: LogOptions) async throws(OperationFailure) -> any LogSource {
        guard let container: SimulatedContainer = containers[externalID] else {
            throw OperationFailure("cannot read the output of \(externalID): there is no such container")
        }
        let skipped: Int = options.lines.map { max(0, container.log.count - Int(clamping: $0)) } ?? 0
        return SimulatedLogSource(runtime: self, externalID: externalID, options: options, from: skipped)
    }

    // MARK: What it hides

    private func pause() async {
        if latency > .zero { try? await Task.sleep(for: latency) }
    }

    private func refuse(_ spec: InstanceSpec, _ word: String, _ what: String) throws(OperationFailure) {
        let image: String = try LaunchMembers(spec).image()
        guard image.contains(word) else { return }
        throw OperationFailure("\(what) image \(image): its name says so")
    }

    private func refuseTakenPorts(_ container: SimulatedContainer) throws(OperationFailure) {
        for other in containers.values.sorted(by: { $0.shown.externalID < $1.shown.externalID }) {
            guard other.shown.phase == .running, let port: String = other.ports.first(where: container.ports.contains),
                let colon: String.Index = port.lastIndex(of: ":")
            else { continue }
            let parts: [Substring] = port[port.index(after: colon)...].split(separator: "/")
            throw PortConflict.failure(
                port: Int(parts[0]) ?? 0,
                transport: String(parts.last ?? "tcp"),
                address: String(port[..<colon]),
                holder: "container \(other.shown.name)"
            )
        }
    }

    private func listen(_ continuation: AsyncStream<RuntimeEvent>.Continuation) {
        listenerCount += 1
        let number: Int = listenerCount
        listeners[number] = continuation
        continuation.onTermination = { _ in Task { await self.forget(number) } }
        // Said once it listens: what came before is for the caller to look up.
        continuation.yield(.interrupted)
    }

    private func forget(_ number: Int) { listeners[number] = nil }

    private func changed(_ uuid: String) throws(OperationFailure) {
        for (_, listener) in listeners { listener.tell(.changed(uuid: uuid)) }
        let waiters: [CheckedContinuation<Void, Never>] = logWaiters
        logWaiters = []
        for waiter in waiters { waiter.resume() }
        guard let file else { return }
        let all: [JSONValue] = containers.sorted { $0.key < $1.key }.map(\.value.json)
        do {
            try file.write(JSONWriter.bytes(["version": 1, "made": JSONValue(made), "containers": .array(all)]))
        } catch {
            throw OperationFailure("\(error)", isTransient: true)
        }
    }

    /// The lines from `index` on, or nil once no more can come or the reader has closed.
    fileprivate func lines(
        _ externalID: String,
        from index: Int,
        follow: Bool,
        unless isClosed: () -> Bool
    ) async -> [SimulatedLine]? {
        while let container: SimulatedContainer = containers[externalID], !Task.isCancelled, !isClosed() {
            if index < container.log.count { return Array(container.log[index...]) }
            guard follow, container.shown.phase == .running else { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { logWaiters.append($0) }
            } onCancel: {
                Task { await self.wakeLogReaders() }
            }
        }
        return nil
    }

    fileprivate func wakeLogReaders() {
        let waiters: [CheckedContinuation<Void, Never>] = logWaiters
        logWaiters = []
        for waiter in waiters { waiter.resume() }
    }
}

/// Reads a simulated container's lines.
private final class SimulatedLogSource: LogSource {
    private let runtime: SimulatedRuntime
    private let externalID: String
    private let options: LogOptions
    private let position: Mutex<Int>
    private let isClosed = Atomic<Bool>(false)

    init(runtime: SimulatedRuntime, externalID: String, options: LogOptions, from position: Int) {
        self.runtime = runtime
        self.externalID = externalID
        self.options = options
        self.position = Mutex(position)
    }

    func next() async throws(OperationFailure) -> LogPiece? {
        let place: Int = position.withLock { $0 }
        let lines: [SimulatedLine]? = await runtime.lines(externalID, from: place, follow: options.follow) {
            self.isClosed.load(ordering: .sequentiallyConsistent)
        }
        guard let line: SimulatedLine = lines?.first else { return nil }
        position.withLock { $0 = place + 1 }
        return LogPiece(
            kind: .stdout,
            bytes: Array((line.text + "\n").utf8),
            time: options.timestamps ? line.time : nil
        )
    }

    func close() {
        isClosed.store(true, ordering: .sequentiallyConsistent)
        // Wakes those that began to wait before; those that come later see the mark.
        Task { await runtime.wakeLogReaders() }
    }
}
