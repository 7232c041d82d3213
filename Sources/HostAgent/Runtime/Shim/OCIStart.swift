import CLinux
import Glibc
import HostAgentCore
import JSON

/// Starts a container through an OCI runtime, and clears away what it left.
struct OCIStart {
    let folder: ContainerFolder
    let plan: ContainerPlan
    private static let seconds: Int = 60

    /// In a mount namespace of the supervisor's own: what is mounted here goes with it, however it goes.
    func mountLayers() throws(OperationFailure) {
        guard clinux_unshare(Int32(CLINUX_NEWNS)) == 0,
            mount("none", "/", nil, UInt(MS_REC) | UInt(MS_SLAVE), nil) == 0
        else { throw FolderTree.failure("make a mount namespace for", "container \(plan.name)") }
        showGroups()
        guard let lower: String = plan.lower else { return }
        // By descriptor: a path may hold what the option's syntax uses.
        let places: [String] = [lower, "\(folder.path)/upper", "\(folder.path)/work"]
        let layers: [Int32] = places.map { (place: String) in open(place, O_PATH | O_DIRECTORY | O_CLOEXEC) }
        defer { for layer in layers { close(layer) } }
        guard layers.allSatisfy({ $0 >= 0 }) else {
            throw OperationFailure(
                "cannot open the layers of container \(plan.name); is its image \(lower) still there?"
            )
        }
        let options: String =
            "lowerdir=/proc/self/fd/\(layers[0]),upperdir=/proc/self/fd/\(layers[1]),workdir=/proc/self/fd/\(layers[2])"
        guard mount("overlay", "\(folder.path)/merged", "overlay", 0, options) == 0 else {
            throw FolderTree.failure("mount the layers of", "container \(plan.name)")
        }
    }

    /// For a call of the runtime alone: a mount namespace in which it finds what it looks for.
    func enterNamespace() {
        guard clinux_unshare(Int32(CLINUX_NEWNS)) == 0,
            mount("none", "/", nil, UInt(MS_REC) | UInt(MS_SLAVE), nil) == 0
        else { return }
        showGroups()
    }

    /// Runtimes insist on seeing control groups, also when they are told to use none.
    private func showGroups() {
        guard plan.cgroup.isEmpty else { return }
        if !FolderTree.exists("/sys/fs/cgroup") { mount("sysfs", "/sys", "sysfs", 0, nil) }
        mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, nil)
    }

    /// Makes the container's process and lets it run.
    ///
    /// - Parameter before: told of the process before its program runs.
    func start(_ before: (RunningChild) throws(OperationFailure) -> Void) throws(OperationFailure) -> RunningChild {
        clear()
        var child: RunningChild = try create()
        do {
            if plan.hasOwnNetwork || plan.isOffline {
                child.network = open("/proc/\(child.process)/ns/net", O_RDONLY | O_CLOEXEC)
            }
            if plan.hasOwnNetwork {
                do {
                    child.address = try BridgeNetwork.connect(
                        process: child.process,
                        network: child.network,
                        id: "\(plan.hostUUID) \(plan.uuid)"
                    )
                } catch {
                    child.notes.append("no network but its own loopback: \(error.message)")
                }
            }
            writeHosts(child.address)
            try before(child)
            try call(["start", plan.uuid], "start")
            return child
        } catch {
            clear()
            throw error
        }
    }

    /// Removes what an earlier run left: its processes, its cgroup, the runtime's notes.
    func clear() {
        _ = try? ShimProcess.run(plan.runtime, arguments(["delete", "--force", plan.uuid]), seconds: Self.seconds)
    }

    private func arguments(_ rest: [String], _ logPath: String? = nil) -> [String] {
        var all: [String] = ["--root", folder.runtimeRoot, "--log", logPath ?? self.logPath, "--log-format", "json"]
        if plan.cgroup.isEmpty, plan.runtime.hasSuffix("crun") { all.append("--cgroup-manager=disabled") }
        return all + rest
    }

    private var logPath: String { "\(folder.path)/runtime.log" }

    private func call(_ rest: [String], _ what: String) throws(OperationFailure) {
        unlink(logPath)
        let result = try ShimProcess.run(plan.runtime, arguments(rest), seconds: Self.seconds)
        guard result.code != 0 else { return }
        throw failure(what, result.said, logPath)
    }

    private func create() throws(OperationFailure) -> RunningChild {
        do throws(OperationFailure) {
            return try makeProcess(
                ["create", "--bundle", folder.path],
                [],
                isTerminal: plan.isTerminal,
                keepsInput: plan.keepsInput,
                "make"
            )
        } catch {
            clear()
            throw error
        }
    }

    /// Another process in the container, which runs.
    func exec(_ order: ExecOrder) throws(OperationFailure) -> RunningChild {
        enterNamespace()
        let terminal: [String] = order.isTerminal ? ["--tty"] : []
        return try makeProcess(
            ["exec", "--detach"] + terminal,
            order.command,
            isTerminal: order.isTerminal,
            keepsInput: order.hasInput,
            "run a command in"
        )
    }

    /// A process that the runtime makes and that is this one's child once the runtime has ended.
    private func makeProcess(
        _ options: [String],
        _ command: [String],
        isTerminal: Bool,
        keepsInput: Bool,
        _ doing: String
    ) throws(OperationFailure) -> RunningChild {
        // Several commands may begin at once.
        let mark: String = "\(getpid())"
        let logPath: String = "\(folder.path)/runtime.\(mark).log"
        let pidFile: String = "\(folder.path)/pid.\(mark)"
        defer {
            unlink(logPath)
            unlink(pidFile)
        }
        let streams = try ChildStreams(keepsInput: keepsInput)
        let console: ConsoleSocket? = isTerminal ? try ConsoleSocket() : nil
        defer { console?.close() }
        var rest: [String] = options + ["--pid-file", pidFile]
        if let console { rest += ["--console-socket", console.path] }
        let creator: pid_t
        do {
            creator = try ShimProcess.spawn(
                plan.runtime,
                arguments(rest + [plan.uuid] + command, logPath),
                input: streams.childInput,
                output: streams.childOutput,
                error: streams.childError
            )
        } catch {
            streams.closeChildEnds()
            throw error
        }
        streams.closeChildEnds()
        let code: Int32 = ShimProcess.wait(creator, seconds: Self.seconds)
        guard code == 0, let bytes: [UInt8] = try? StateFile(path: pidFile).read(),
            let process = pid_t(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)), process > 1
        else {
            var said = [UInt8](repeating: 0, count: 4096)
            let count: Int = max(0, read(streams.error, &said, said.count))
            throw failure(doing, String(decoding: said[..<count], as: UTF8.self), logPath)
        }
        guard let console else {
            return RunningChild(
                process: process,
                output: streams.output,
                error: streams.error,
                input: streams.keptInput
            )
        }
        guard let terminal: Int32 = console.receive() else {
            throw OperationFailure("the runtime gave no terminal for container \(plan.name)")
        }
        for descriptor in [streams.output, streams.error, streams.keptInput] where descriptor >= 0 { close(descriptor) }
        _ = fcntl(terminal, F_SETFL, fcntl(terminal, F_GETFL) | O_NONBLOCK)
        return RunningChild(process: process, output: terminal, error: -1, input: -1)
    }

    /// The runtime's own words, which it wrote to its log.
    private func failure(_ what: String, _ said: String, _ logPath: String) -> OperationFailure {
        let log: String =
            ((try? StateFile(path: logPath).read()) ?? nil).map { String(decoding: $0, as: UTF8.self) } ?? ""
        var cause: String = said.split(separator: "\n").last.map { String($0) } ?? "the runtime gives no reason"
        for line in log.split(separator: "\n") {
            guard let value: JSONValue = try? JSONReader.parse(Array(line.utf8)),
                let text: String = value["msg"]?.string,
                value["level"]?.string != "warning"
            else { continue }
            cause = text
        }
        return OperationFailure("cannot \(what) container \(plan.name): \(cause)")
    }

    /// In place: the container has this very file.
    private func writeHosts(_ address: String?) {
        let file: String = "\(folder.path)/etc/hosts"
        guard let address, let bytes: [UInt8] = try? StateFile(path: "\(folder.path)/etc/hosts.given").read() else {
            return
        }
        let given: String = String(decoding: bytes, as: UTF8.self).replacing("@ADDRESS@", with: address)
        let descriptor: Int32 = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        let text: [UInt8] = Array(given.utf8)
        _ = write(descriptor, text, text.count)
        close(descriptor)
    }
}

/// Where an OCI runtime hands over the terminal of a container that it makes.
final class ConsoleSocket {
    let path: String
    private let listener: Int32

    init() throws(OperationFailure) {
        try MachineAddresses.makeFolder()
        path = "\(MachineAddresses.folder)/console-\(getpid()).\(UInt32.random(in: 0 ... .max))"
        listener = try Self.listen(path)
    }

    /// A socket that only this user may connect to.
    static func listen(_ path: String) throws(OperationFailure) -> Int32 {
        let listener: Int32 = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes: [UInt8] = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw OperationFailure("the path \(path) is too long for a socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let bound: Bool = withUnsafePointer(to: &address) {
            clinux_bind(listener, UnsafeRawPointer($0), socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
        }
        guard listener >= 0, bound, chmod(path, 0o600) == 0, Glibc.listen(listener, 1) == 0 else {
            throw FolderTree.failure("listen at", path)
        }
        return listener
    }

    /// The terminal, which has come by the time the runtime has ended; nil when it has not.
    func receive() -> Int32? {
        var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 5_000) > 0 else { return nil }
        let connection: Int32 = clinux_accept4(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        guard connection >= 0 else { return nil }
        defer { Glibc.close(connection) }
        let terminal: Int32 = clinux_receive_descriptor(connection)
        return terminal >= 0 ? terminal : nil
    }

    func close() {
        Glibc.close(listener)
        unlink(path)
    }
}
