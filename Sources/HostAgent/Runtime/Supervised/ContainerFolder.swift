import CLinux
import Glibc
import HostAgentCore
import HostProtocol
import JSON

/// One container on disk, shared by the agent, which makes and removes it, and its supervisor, which runs it.
///
/// `plan.json` never changes. `state.json` is the supervisor's, and so is `lock`, which it holds and which has its number: who
/// gets the lock knows that no supervisor lives. `output.log` is what the container wrote.
struct ContainerFolder: Hashable, Sendable {
    let path: String

    var id: String { FolderTree.lastPart(of: path) }
    var planFile: StateFile { StateFile(path: "\(path)/plan.json", isPrivate: true) }
    var stateFile: StateFile { StateFile(path: "\(path)/state.json", isPrivate: true) }
    var lockPath: String { "\(path)/lock" }
    var logPath: String { "\(path)/output.log" }
    /// The one before, once it was full.
    var olderLogPath: String { "\(path)/output.log.1" }
    /// Where an OCI runtime keeps its own notes.
    var runtimeRoot: String { "\(path)/oci" }
    /// Two folders up there is one for all bells.
    var bell: String { "\(FolderTree.parent(of: FolderTree.parent(of: path)))/bells/\(id)" }

    /// nil when there is no container, or what there is cannot be understood.
    func plan() -> ContainerPlan? {
        guard let bytes: [UInt8] = try? planFile.read(), let value = try? JSONReader.parse(bytes) else { return nil }
        return try? ContainerPlan(value)
    }

    /// nil before the first start.
    func state() -> ContainerState? {
        guard let bytes: [UInt8] = try? stateFile.read(), let value = try? JSONReader.parse(bytes) else { return nil }
        return try? ContainerState(value)
    }

    func write(_ state: ContainerState) throws(StateFileFault) {
        try stateFile.write(JSONWriter.bytes(state.json))
        ring()
    }

    /// Lets the agent know that something changed.
    func ring() {
        let descriptor: Int32 = open(bell, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
    }

    /// The lock, for as long as the returned object lives; nil when a supervisor has it.
    func lock() -> ContainerLock? { ContainerLock(lockPath) }

    /// A descriptor of the living supervisor, which is nobody else whatever happens; nil when none lives.
    func supervisor() -> Int32? {
        guard let bytes: [UInt8] = try? StateFile(path: lockPath).read(),
            let process = Int32(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)), process > 1
        else { return nil }
        let descriptor: Int32 = clinux_pidfd_open(process)
        guard descriptor >= 0 else { return nil }
        // It lived all the time from its writing of the number to here, if it still has the lock.
        if let free: ContainerLock = lock() {
            free.release()
            close(descriptor)
            return nil
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }
}

/// Holds the lock of a container's folder.
final class ContainerLock {
    private var descriptor: Int32

    init?(_ path: String) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            descriptor = -1
            return nil
        }
    }

    deinit { release() }

    func release() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// Whose it is.
    func sign() -> Bool {
        let text: [UInt8] = Array("\(getpid())\n".utf8)
        return ftruncate(descriptor, 0) == 0 && pwrite(descriptor, text, text.count, 0) == text.count
    }
}
