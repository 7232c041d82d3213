import HostAgentCore
import Limits
import Subprocess

/// Runs one of the programs that handle images.
struct ImageTool: Sendable {
    /// Where the programs may put what they need for a while.
    let folder: String

    @discardableResult
    func run(_ program: String, _ arguments: [String], _ doing: String) async throws(OperationFailure) -> String {
        let command = SubprocessCommand(
            program,
            arguments,
            environment: [
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": folder,
                "HOME": folder, "LC_ALL": "C",
            ]
        )
        let result: SubprocessResult
        do {
            result = try await Subprocess.run(command, deadline: .seconds(Limits.hostPullSeconds))
        } catch .notFound {
            throw OperationFailure(
                "cannot \(doing): '\(program)' is not installed (apt-get install \(package(program)))"
            )
        } catch {
            throw OperationFailure("cannot \(doing): \(error)", isTransient: true)
        }
        guard result.status.isSuccess else {
            throw OperationFailure("cannot \(doing): \(Self.cause(result))")
        }
        return result.outputText
    }

    private func package(_ program: String) -> String {
        program == "sha256sum" || program == "cp" ? "coreutils" : program
    }

    /// The last line that the program said, without its decoration (`time="…" level=fatal msg="…"`).
    private static func cause(_ result: SubprocessResult) -> String {
        let lines: [Substring] = result.errorText.split(separator: "\n")
        guard let last: Substring = lines.last else { return result.status.description }
        guard let message = last.firstRange(of: "msg=\"") else { return String(last) }
        return String(last[message.upperBound...].dropLast()).replacing("\\\"", with: "\"")
    }
}
