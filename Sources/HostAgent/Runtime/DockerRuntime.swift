package import EventLoop
package import HostAgentCore
package import HostProtocol
import HTTP
import JSON
import Limits
import Subprocess

/// Containers of a Docker Engine, over its API.
package struct DockerRuntime: ContainerRuntime {
    package let name: String = "docker"
    let engine: DockerEngine
    let hostUUID: String
    /// Where ports are published that name no address.
    let address: String
    private let loop: EventLoop
    /// Where files are packed on their way to the engine.
    private let importFolder: String

    /// - Throws: a transient failure when no engine answers at that socket.
    package static func connect(
        socketPath: String,
        hostUUID: String,
        address: String,
        importFolder: String = "/tmp/drover-import",
        loop: EventLoop
    ) async throws(OperationFailure) -> DockerRuntime {
        let engine: DockerEngine = try await .connect(socketPath: socketPath, loop: loop)
        return DockerRuntime(
            engine: engine,
            hostUUID: hostUUID,
            address: address,
            loop: loop,
            importFolder: importFolder
        )
    }

    package var hostLabels: [String: String] {
        let parts: [Substring] = engine.engineVersion.split(separator: ".")
        guard parts.count >= 2 else { return [:] }
        return ["io.rancher.host.docker_version": "\(parts[0]).\(parts[1])"]
    }

    package func inventory() async throws(OperationFailure) -> [RuntimeContainer] {
        try await list(labels: ["\(DockerLabels.host)=\(hostUUID)"], "list the containers")
    }

    package func inspect(uuid: String) async throws(OperationFailure) -> RuntimeContainer? {
        try await list(
            labels: ["\(DockerLabels.host)=\(hostUUID)", "\(DockerLabels.instance)=\(uuid)"],
            "look for the container of instance \(uuid)"
        ).first
    }

    package func pull(_ spec: InstanceSpec) async throws(OperationFailure) {
        let members = LaunchMembers(spec)
        guard case .registry(let reference) = try ImageSource(try members.image()) else {
            _ = try await image(of: spec)
            return
        }
        let image = DockerImage(reference)
        let doing: String = "pull image \(image.reference)"
        if members.label("io.rancher.container.pull_image") != "always" {
            let answer: DockerEngine.Answer = try await engine.call(
                "GET",
                "/images/\(path(image.reference))/json",
                "look for image \(image.reference)"
            )
            if answer.status == 200 { return }
        }
        var query: [(String, String)] = [("fromImage", image.name)]
        if let tag: String = image.tag { query.append(("tag", tag)) }
        let answer: HTTPAnswer = try await engine.open(
            "POST",
            "/images/create",
            query: query,
            doing,
            pieceSeconds: Limits.hostPullSeconds
        )
        defer { answer.close() }
        var lines = LineSplitter(limitBytes: Limits.hostEngineLineBytes)
        do {
            while let bytes: [UInt8] = try await answer.next() {
                for line in lines.add(bytes) { try refuseProgress(line, doing) }
            }
            if let line: [UInt8] = lines.finish() { try refuseProgress(line, doing) }
        } catch let failure as OperationFailure {
            throw failure
        } catch {
            throw engine.unreachable(doing, error)
        }
        guard answer.status == 200 else {
            throw OperationFailure("cannot \(doing): the engine answered \(answer.status)")
        }
    }

    /// The engine says 200 first and what went wrong later.
    private func refuseProgress(_ line: [UInt8], _ doing: String) throws(OperationFailure) {
        guard let value: JSONValue = try? JSONReader.parse(line) else { return }
        if let message: String = value["error"]?.string ?? value["message"]?.string {
            throw OperationFailure("cannot \(doing): \(message)")
        }
    }

    package func create(_ spec: InstanceSpec) async throws(OperationFailure) -> RuntimeContainer {
        if let there: RuntimeContainer = try await inspect(uuid: spec.uuid) { return there }
        let name: String = DockerName.make(instanceName: spec.name, hostUUID: hostUUID, instanceUUID: spec.uuid)
        let doing: String = "create container \(name)"
        let answer: DockerEngine.Answer = try await engine.call(
            "POST",
            "/containers/create",
            query: [("name", name)],
            body: try DockerCreateBody.make(
                spec,
                image: try await image(of: spec),
                hostUUID: hostUUID,
                address: address
            ),
            doing
        )
        switch answer.status {
        case 201:
            guard let id: String = answer.body["Id"]?.string,
                let made = try await look(id)?.container(hostUUID: hostUUID)
            else { throw OperationFailure("cannot \(doing): it is gone right after the engine made it") }
            return made
        case 409: return try await adopt(name, spec, because: answer.message)
        default: throw OperationFailure("cannot \(doing): \(answer.message)")
        }
    }

    /// The name is taken: by an earlier attempt of ours, or by somebody else.
    private func adopt(
        _ name: String,
        _ spec: InstanceSpec,
        because message: String
    ) async throws(OperationFailure) -> RuntimeContainer {
        guard let holder: DockerInspection = try await look(name) else {
            throw OperationFailure("cannot create container \(name): \(message)", isTransient: true)
        }
        if let container = holder.container(hostUUID: hostUUID), container.uuid == spec.uuid { return container }
        let id: String = String((holder.document["Id"]?.string ?? "?").prefix(12))
        let image: String = holder.document["Config"]?["Image"]?.string ?? "?"
        throw OperationFailure(
            "cannot create container \(name): the name belongs to container \(id) of image \(image), which this host "
                + "did not make; remove or rename it"
        )
    }

    package func start(_ externalID: String) async throws(OperationFailure) -> RuntimeContainer {
        let doing: String = "start container \(String(externalID.prefix(12)))"
        let answer: DockerEngine.Answer = try await engine.call(
            "POST",
            "/containers/\(path(externalID))/start",
            doing,
            answerSeconds: 300
        )
        guard answer.status == 204 || answer.status == 304 else {
            if let conflict = await DockerPortHolder(engine: engine).explain(answer.message) { throw conflict }
            throw OperationFailure("cannot \(doing): \(answer.message)")
        }
        guard let started = try await look(externalID)?.container(hostUUID: hostUUID) else {
            throw OperationFailure("cannot \(doing): it is gone right after it was started")
        }
        return started
    }

    package func stop(_ externalID: String) async throws(OperationFailure) -> RuntimeContainer? {
        guard let seconds: Int64 = try await look(externalID)?.stopSeconds else { return nil }
        let doing: String = "stop container \(String(externalID.prefix(12)))"
        let answer: DockerEngine.Answer = try await engine.call(
            "POST",
            "/containers/\(path(externalID))/stop",
            doing,
            answerSeconds: Int(clamping: max(0, seconds)) + 60
        )
        guard [204, 304, 404].contains(answer.status) else {
            throw OperationFailure("cannot \(doing): \(answer.message)")
        }
        return try await look(externalID)?.container(hostUUID: hostUUID)
    }

    package func remove(_ externalID: String) async throws(OperationFailure) {
        // Whoever asks, only containers of this host are removed.
        guard let there: DockerInspection = try await look(externalID) else { return }
        let doing: String = "remove container \(String(externalID.prefix(12)))"
        guard there.container(hostUUID: hostUUID) != nil else {
            throw OperationFailure("cannot \(doing): it does not carry this host's label")
        }
        let answer: DockerEngine.Answer = try await engine.call(
            "DELETE",
            "/containers/\(path(externalID))",
            query: [("force", "1"), ("v", "1")],
            doing,
            answerSeconds: 120
        )
        guard [204, 404].contains(answer.status) else {
            throw OperationFailure("cannot \(doing): \(answer.message)", isTransient: answer.status == 409)
        }
    }

    package func logs(_ externalID: String, _ options: LogOptions) async throws(OperationFailure) -> any LogSource {
        let doing: String = "read the output of container \(String(externalID.prefix(12)))"
        guard let container: DockerInspection = try await look(externalID) else {
            throw OperationFailure("cannot \(doing): there is no such container")
        }
        let answer: HTTPAnswer = try await engine.open(
            "GET",
            "/containers/\(path(externalID))/logs",
            query: [
                ("stdout", "1"), ("stderr", "1"), ("follow", options.follow ? "1" : "0"),
                ("timestamps", options.timestamps ? "1" : "0"), ("tail", options.lines.map { String($0) } ?? "all"),
                ("since", String(options.since ?? 0)),
            ],
            doing,
            pieceSeconds: options.follow ? nil : 60
        )
        guard answer.status == 200 else {
            let body: [UInt8] = (try? await answer.collect()) ?? []
            let message: String? = (try? JSONReader.parse(body))?["message"]?.string
            throw OperationFailure("cannot \(doing): \(message ?? "the engine answered \(answer.status)")")
        }
        return DockerLogSource(
            answer: answer,
            name: String(externalID.prefix(12)),
            isTerminal: container.isTerminal,
            hasTimes: options.timestamps
        )
    }

    package func events() -> AsyncStream<RuntimeEvent> {
        let (stream, continuation) = AsyncStream<RuntimeEvent>.makeRuntimeEvents()
        let reader = DockerEvents(engine: engine, hostUUID: hostUUID, loop: loop)
        let task = Task { await reader.run(continuation) }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    // MARK: What it hides

    /// The engine's name of an instance's image.
    private func image(of spec: InstanceSpec) async throws(OperationFailure) -> String {
        let source = try ImageSource(try LaunchMembers(spec).image())
        switch source {
        case .registry(let reference): return reference
        case .tar, .folder:
            return try await DockerImport(engine: engine, loop: loop, folder: importFolder).image(source)
        case .archive, .layout, .host:
            throw OperationFailure(
                "image \(source.description) cannot be run by a Docker Engine; load it there, and use its name"
            )
        }
    }

    private func list(labels: [String], _ doing: String) async throws(OperationFailure) -> [RuntimeContainer] {
        let filters: JSONValue = ["label": JSONValue(labels)]
        let answer: DockerEngine.Answer = try await engine.call(
            "GET",
            "/containers/json",
            query: [("all", "1"), ("filters", String(decoding: JSONWriter.bytes(filters), as: UTF8.self))],
            doing
        )
        guard answer.status == 200, let rows: [JSONValue] = answer.body.array else {
            throw OperationFailure("cannot \(doing): \(answer.message)", isTransient: true)
        }
        var containers: [RuntimeContainer] = []
        for id in rows.compactMap({ $0["Id"]?.string }).sorted() {
            // One that goes meanwhile is simply not there.
            if let container = try await look(id)?.container(hostUUID: hostUUID) { containers.append(container) }
        }
        return containers
    }

    /// nil when there is none.
    func look(_ idOrName: String) async throws(OperationFailure) -> DockerInspection? {
        let doing: String = "inspect container \(idOrName)"
        let answer: DockerEngine.Answer = try await engine.call("GET", "/containers/\(path(idOrName))/json", doing)
        switch answer.status {
        case 200: return DockerInspection(document: answer.body)
        case 404: return nil
        default: throw OperationFailure("cannot \(doing): \(answer.message)", isTransient: true)
        }
    }

    func path(_ text: String) -> String {
        // A slash in an image's name stays one: the engine routes on it.
        text.split(separator: "/", omittingEmptySubsequences: false).map { PercentCoding.encode(String($0)) }
            .joined(separator: "/")
    }
}
