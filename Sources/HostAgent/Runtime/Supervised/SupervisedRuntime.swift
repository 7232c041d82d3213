import CLinux
package import EventLoop
import Glibc
package import HostAgentCore
package import HostProtocol
import JSON
import Limits
import Subprocess

/// Containers that a supervising process of our own runs: through an OCI runtime (`oci`), or as plain children (`process`).
///
/// All that there is to know lies in `FOLDER/containers/<uuid>`, so that the agent finds its containers again, with their exit codes,
/// whatever happened to it meanwhile.
package struct SupervisedRuntime: ContainerRuntime {
    package let name: String
    package let hostLabels: [String: String]
    let options: SupervisedOptions
    let isolation: ContainerPlan.Isolation
    private let machine: MachineFindings
    let images: ImageStore
    private let watch: FolderWatch
    let loop: EventLoop

    /// Finds out whether containers can be run here, and clears away what was begun and not finished.
    ///
    /// - Throws: what is missing.
    package static func connect(
        _ kind: SupervisedKind,
        _ options: SupervisedOptions,
        loop: EventLoop
    ) async throws(OperationFailure) -> SupervisedRuntime {
        for name in ["containers", "bells", "volumes", "unfinished", "check"] {
            try FolderTree.make("\(options.folder)/\(name)")
        }
        let machine: MachineFindings = try await MachineFindings.find(kind, options)
        for name in FolderTree.names(in: "\(options.folder)/unfinished") {
            try FolderTree.remove("\(options.folder)/unfinished/\(name)")
        }
        return SupervisedRuntime(
            name: kind.rawValue,
            hostLabels: [:],
            options: options,
            isolation: kind == .oci ? .oci : .process,
            machine: machine,
            images: try ImageStore(path: "\(options.folder)/images", local: options.localImages),
            watch: try FolderWatch(),
            loop: loop
        )
    }

    package func inventory() async throws(OperationFailure) -> [RuntimeContainer] {
        var containers: [RuntimeContainer] = []
        for name in FolderTree.names(in: "\(options.folder)/containers") {
            if let container: RuntimeContainer = try await inspect(uuid: name) { containers.append(container) }
        }
        return containers
    }

    package func inspect(uuid: String) async throws(OperationFailure) -> RuntimeContainer? {
        guard let folder: ContainerFolder = folder(uuid), let plan: ContainerPlan = folder.plan(),
            plan.hostUUID == options.hostUUID
        else { return nil }
        return try show(folder, plan)
    }

    /// As it is: one that should run and whose supervisor is gone has ended.
    func show(_ folder: ContainerFolder, _ plan: ContainerPlan) throws(OperationFailure) -> RuntimeContainer {
        var state: ContainerState? = folder.state()
        if state?.phase == .running, let lock: ContainerLock = folder.lock() {
            // Noted once more under the lock: it may have ended properly since it was read.
            state = folder.state()
            if var left: ContainerState = state, left.phase == .running {
                if plan.isolation == .oci {
                    _ = try ShimProcess.run(options.executable, SupervisorProcess.arguments("clear", folder.path))
                }
                left.end(code: 137, message: "ended with its supervisor, which was killed, or with the machine")
                do {
                    try folder.write(left)
                } catch {
                    throw OperationFailure("\(error)", isTransient: true)
                }
                state = left
            }
            lock.release()
        }
        return RuntimeContainer(
            uuid: plan.uuid,
            number: plan.number,
            externalID: folder.id,
            name: plan.name,
            phase: state?.phase ?? .created,
            exitCode: state?.exitCode,
            startedAt: state?.startedAt,
            primaryIPAddress: state?.address,
            message: state?.message
        )
    }

    package func pull(_ spec: InstanceSpec) async throws(OperationFailure) {
        let members = LaunchMembers(spec)
        try await images.prepare(
            try source(members),
            always: members.label("io.rancher.container.pull_image") == "always"
        )
    }

    private func source(_ members: LaunchMembers) throws(OperationFailure) -> ImageSource {
        let source = try ImageSource(try members.image())
        switch (source, isolation) {
        case (.host, .oci):
            throw OperationFailure("image host: is for the runtime 'process' only: it has no files of its own")
        case (_, .process) where source != .host && geteuid() != 0:
            throw OperationFailure(
                "image \(source.description) cannot be run by the runtime 'process' here: only root may change the root "
                    + "folder of a program; use image host:, or run the agent as root"
            )
        default: return source
        }
    }

    package func create(_ spec: InstanceSpec) async throws(OperationFailure) -> RuntimeContainer {
        if let there: RuntimeContainer = try await inspect(uuid: spec.uuid) { return there }
        guard let folder: ContainerFolder = folder(spec.uuid) else {
            throw OperationFailure("cannot create container \(spec.name): its instance's uuid is none")
        }
        let members = LaunchMembers(spec)
        let image: PreparedImage = try await images.prepare(try source(members), always: false)
        let planner = LaunchPlanner(
            spec: spec,
            members: members,
            image: image,
            hostUUID: options.hostUUID,
            address: options.address,
            isolation: isolation
        )
        // Of this attempt alone: two at once do not disturb each other, and the first to finish wins.
        let work: String = "\(options.folder)/unfinished/\(spec.uuid).\(UInt64.random(in: 0 ... .max))"
        do {
            try await ContainerMaking(runtime: self, machine: machine, planner: planner, work: work, folder: folder)
                .make()
        } catch {
            try? FolderTree.remove(work)
            throw error
        }
        if rename(work, folder.path) != 0 {
            let code: Int32 = errno
            try FolderTree.remove(work)
            guard code == EEXIST || code == ENOTEMPTY else {
                throw OperationFailure("cannot create container \(spec.name): \(String(cString: strerror(code)))")
            }
            if folder.plan() == nil {
                throw OperationFailure(
                    "cannot create container \(spec.name): \(folder.path) is there and is no container; remove it"
                )
            }
        }
        folder.ring()
        guard let made: RuntimeContainer = try await inspect(uuid: spec.uuid) else {
            throw OperationFailure("cannot create container \(spec.name): it is gone right after it was made")
        }
        return made
    }

    package func start(_ externalID: String) async throws(OperationFailure) -> RuntimeContainer {
        guard let (folder, plan) = own(externalID) else {
            throw OperationFailure("cannot start \(externalID): there is no such container")
        }
        let now: RuntimeContainer = try show(folder, plan)
        if now.phase == .running { return now }
        let result: SubprocessResult
        do {
            result = try await Subprocess.run(
                SubprocessCommand(options.executable, SupervisorProcess.arguments("launch", folder.path))
            )
        } catch {
            throw OperationFailure("cannot start container \(plan.name): \(error)", isTransient: true)
        }
        guard let answer: JSONValue = try? JSONReader.parse(result.standardOutput), let said = answer["error"] else {
            throw OperationFailure(
                "cannot start container \(plan.name): its supervisor gave no answer (\(result.status)) \(result.errorText)",
                isTransient: true
            )
        }
        if let message: String = said.string {
            throw OperationFailure(message, isTransient: answer["isTransient"]?.bool ?? false)
        }
        return try show(folder, plan)
    }

    package func stop(_ externalID: String) async throws(OperationFailure) -> RuntimeContainer? {
        guard let (folder, plan) = own(externalID) else { return nil }
        try await end(folder, plan, by: SIGTERM, seconds: plan.stopSeconds)
        return try show(folder, plan)
    }

    package func remove(_ externalID: String) async throws(OperationFailure) {
        guard let (folder, plan) = own(externalID) else { return }
        try await end(folder, plan, by: SIGUSR1, seconds: 0)
        // Also notes, and clears away, one whose supervisor was killed.
        _ = try show(folder, plan)
        // Gone at once for those that look; a crash leaves only what the next start of the agent clears away.
        let grave: String = "\(options.folder)/unfinished/\(externalID).\(UInt64.random(in: 0 ... .max))"
        guard rename(folder.path, grave) == 0 else {
            if errno == ENOENT { return }
            throw FolderTree.failure("remove", folder.path)
        }
        folder.ring()
        // It has been heard already.
        unlink(folder.bell)
        try FolderTree.remove(grave)
    }

    /// Returns when its supervisor has ended.
    private func end(
        _ folder: ContainerFolder,
        _ plan: ContainerPlan,
        by signal: Int32,
        seconds: Int
    ) async throws(OperationFailure) {
        guard let supervisor: Int32 = folder.supervisor() else { return }
        _ = clinux_pidfd_send_signal(supervisor, signal)
        let milliseconds: Int32 = Int32(clamping: (seconds + 30) * 1_000)
        let hasEnded: Bool = await withCheckedContinuation { continuation in
            let began: Bool = WorkerThread.start {
                var entry = pollfd(fd: supervisor, events: Int16(POLLIN), revents: 0)
                let count: Int32 = poll(&entry, 1, milliseconds)
                close(supervisor)
                continuation.resume(returning: count > 0)
            }
            if !began {
                close(supervisor)
                continuation.resume(returning: false)
            }
        }
        guard hasEnded else {
            throw OperationFailure(
                "cannot stop container \(plan.name): it was told to and is still there; a process of its may be stuck",
                isTransient: true
            )
        }
    }

    package func events() -> AsyncStream<RuntimeEvent> {
        let (stream, continuation) = AsyncStream<RuntimeEvent>.makeRuntimeEvents()
        let names: AsyncStream<String> = watch.changes(in: "\(options.folder)/bells")
        // Keeps the watch, whose thread would otherwise end with the runtime.
        let watch: FolderWatch = watch
        let task = Task {
            for await name in names { continuation.tell(name.isEmpty ? .interrupted : .changed(uuid: name)) }
            continuation.finish()
            withExtendedLifetime(watch) {}
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    package func logs(_ externalID: String, _ options: LogOptions) async throws(OperationFailure) -> any LogSource {
        guard let (folder, _) = own(externalID) else {
            throw OperationFailure("cannot read the output of \(externalID): there is no such container")
        }
        return try OutputReader(folder, options, watch)
    }

    // MARK: Folders

    private func folder(_ id: String) -> ContainerFolder? {
        FrameMembers.isUUID(id) ? ContainerFolder(path: "\(options.folder)/containers/\(id)") : nil
    }

    /// nil when it is none of this host's.
    func own(_ id: String) -> (ContainerFolder, ContainerPlan)? {
        guard let folder: ContainerFolder = folder(id), let plan: ContainerPlan = folder.plan(),
            plan.hostUUID == options.hostUUID
        else { return nil }
        return (folder, plan)
    }
}
