import Glibc
import HostAgentCore

/// How supervisors of containers are started, and known again among this machine's processes.
enum SupervisorProcess {
    /// The first argument of the executable that makes it one.
    static let word: String = "container-shim"

    static func arguments(_ role: String, _ path: String) -> [String] { [word, role, path] }

    /// `container NAME` when the process is a supervisor.
    static func container(_ process: Int32) -> String? {
        guard let bytes: [UInt8] = try? StateFile(path: "/proc/\(process)/cmdline").read() else { return nil }
        let words: [String] = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard words.count >= 4, words[1] == word, words[2] == "run" else { return nil }
        return ContainerFolder(path: words[3]).plan().map { "container \($0.name)" }
    }
}
