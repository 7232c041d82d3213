import CLinux
import Glibc
import HostAgentCore
import JSON

/// The executable in its part as the supervisor of one container: `container-shim ROLE FOLDER`.
///
/// Roles: `launch` starts a supervisor in a session of its own and tells what came of it; `run` is that supervisor; `child`
/// becomes a plain container's program; `launch-exec` and `exec` do for one more command what the first two do for a
/// container; `clear` removes what is left of a container whose supervisor was killed; `check` finds out what this machine
/// permits.
package enum ContainerShim {
    /// nil when the arguments, without the program's name, do not ask for one.
    package static func main(_ arguments: [String]) -> Int32? {
        guard arguments.first == SupervisorProcess.word, arguments.count == 3 else { return nil }
        let path: String = arguments[2]
        let folder = ContainerFolder(path: path)
        switch arguments[1] {
        case "launch": return launch(folder)
        case "run": return Supervisor.run(folder, tell)
        case "child": return PlainChild.run(folder)
        case "clear":
            guard let plan: ContainerPlan = folder.plan() else { return 1 }
            OCIStart(folder: folder, plan: plan).enterNamespace()
            OCIStart(folder: folder, plan: plan).clear()
            return 0
        case "launch-exec": return launchExec(path)
        case "exec": return exec(path)
        case "check":
            answer(MachineCheck.run(path))
            return 0
        default: return nil
        }
    }

    private static func launch(_ folder: ContainerFolder) -> Int32 {
        do throws(OperationFailure) {
            let pipe = try ShimPipe()
            let null: Int32 = open("/dev/null", O_RDWR | O_CLOEXEC)
            let errors: Int32 = open("\(folder.path)/supervisor.log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            _ = try ShimProcess.spawn(
                ShimProcess.ownPath,
                SupervisorProcess.arguments("run", folder.path),
                input: null,
                output: pipe.write,
                error: errors < 0 ? null : errors,
                ownSession: true
            )
            close(pipe.write)
            var said: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 4096)
            while true {
                let count: Int = read(pipe.read, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                said += chunk[..<count]
            }
            guard !said.isEmpty else {
                throw OperationFailure(
                    "cannot start \(folder.id): its supervisor ended at once, see \(folder.path)/supervisor.log"
                )
            }
            _ = write(1, said, said.count)
        } catch {
            tell(error)
        }
        return 0
    }

    /// Reads the order from the standard input, listens at `path`, and leaves both to a supervisor of the command.
    private static func launchExec(_ path: String) -> Int32 {
        do throws(OperationFailure) {
            let order: Int32 = clinux_memory_file("order")
            var chunk = [UInt8](repeating: 0, count: 64 * 1024)
            while true {
                let count: Int = read(0, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                guard write(order, chunk, count) == count else { throw FolderTree.failure("note", "the command") }
            }
            guard lseek(order, 0, SEEK_SET) == 0 else { throw FolderTree.failure("note", "the command") }
            let listener: Int32 = try ConsoleSocket.listen(path)
            let null: Int32 = open("/dev/null", O_RDWR | O_CLOEXEC)
            _ = try ShimProcess.spawn(
                ShimProcess.ownPath,
                SupervisorProcess.arguments("exec", path),
                input: order,
                output: null,
                error: null,
                report: listener,
                ownSession: true
            )
            return 0
        } catch {
            let text: [UInt8] = Array(error.message.utf8)
            _ = write(1, text, text.count)
            return 1
        }
    }

    private static func exec(_ path: String) -> Int32 {
        let listener: Int32 = 3
        _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
        guard let bytes: [UInt8] = try? StateFile(path: "/proc/self/fd/0").read(),
            let value: JSONValue = try? JSONReader.parse(bytes), let order = ExecOrder(value)
        else { return 1 }
        return ExecSupervisor.run(listener, path, order)
    }

    /// Tells whoever waits what came of a start, and lets go of them.
    private static func tell(_ failure: OperationFailure?) {
        if let failure {
            answer(["error": .string(failure.message), "isTransient": .bool(failure.isTransient)])
        } else {
            answer(["error": nil])
        }
        let null: Int32 = open("/dev/null", O_WRONLY | O_CLOEXEC)
        dup2(null, 1)
        close(null)
    }

    private static func answer(_ value: JSONValue) {
        let bytes: [UInt8] = JSONWriter.bytes(value)
        _ = write(1, bytes, bytes.count)
    }
}
