import EventLoop
import Glibc
import Subprocess

/// Programs of the system that a benchmark runs.
enum Programs {
    static var path: String {
        getenv("PATH").map { String(cString: $0) } ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    }

    /// Where it is; nil when it is not installed.
    static func find(_ name: String) -> String? {
        // Servers are often kept out of the path of ordinary users.
        let folders: [String] = path.split(separator: ":").map(String.init) + ["/usr/local/sbin", "/usr/sbin", "/sbin"]
        return folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    static func version(
        _ program: String,
        _ arguments: [String],
        _ parse: @Sendable (String) -> String?
    ) async -> String {
        let result: SubprocessResult? = try? await Subprocess.run(program, arguments, environment: ["PATH": path])
        // Some say it as if it were an error.
        return result.flatMap { parse($0.outputText.isEmpty ? $0.errorText : $0.outputText) } ?? "of unknown version"
    }
}

/// Waiting for what another process does.
enum Patience {
    static func wait(
        seconds: Int,
        for what: String,
        step: Duration = .milliseconds(50),
        _ condition: () async throws -> Bool
    ) async throws {
        let deadline: Deadline = .after(seconds: seconds)
        while !(try await condition()) {
            guard !deadline.isPast else { throw BenchFault("waited \(seconds) s in vain for \(what)") }
            try await Task.sleep(for: step)
        }
    }
}
