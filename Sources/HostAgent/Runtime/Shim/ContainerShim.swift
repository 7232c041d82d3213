import CLinux
import Glibc
import HostAgentCore
import JSON

/// The executable in its part as the supervisor of one container: `container-shim ROLE FOLDER`.
///
/// Roles: `launch` starts a supervisor in a session of its own and tells what came of it; `run` is that supervisor; `child` becomes a
/// plain container's program; `check` finds out what this machine permits.
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
                throw OperationFailure("cannot start \(folder.id): its supervisor ended at once, see \(folder.path)/supervisor.log")
            }
            _ = write(1, said, said.count)
        } catch {
            tell(error)
        }
        return 0
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
