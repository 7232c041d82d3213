import Glibc
import HostAgentCore

/// Groups of processes: the kernel's control groups, and what descends from a supervisor.
enum SupervisorGroup {
    /// Leaves the agent's control group, so that a service manager that ends the agent's does not end this process.
    ///
    /// Where that is not permitted it stays: the agent's service must then leave processes alone (systemd: `KillMode=process`).
    static func leave() {
        for base in ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"] {
            guard FolderTree.exists("\(base)/cgroup.procs") else { continue }
            let group: String = "\(base)/drover-supervisors"
            mkdir(group, 0o755)
            let file: Int32 = open("\(group)/cgroup.procs", O_WRONLY | O_CLOEXEC)
            guard file >= 0 else { continue }
            _ = write(file, "0\n", 2)
            close(file)
        }
    }

    /// Ends all that descends from this process: what is left of a plain child's.
    static func killRest() {
        for _ in 0..<100 {
            let children: [pid_t] = self.children
            if children.isEmpty { return }
            for child in children { kill(child, SIGKILL) }
            // Their children become this process's when they are reaped.
            var raw: Int32 = 0
            for child in children { while waitpid(child, &raw, 0) < 0, errno == EINTR {} }
        }
    }

    private static var children: [pid_t] {
        let bytes: [UInt8] = ((try? StateFile(path: "/proc/self/task/\(getpid())/children").read()) ?? nil) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
    }

    /// Whether the kernel has killed something in that control group.
    static func ranOutOfMemory(_ group: String) -> Bool {
        guard !group.isEmpty else { return false }
        for file in ["memory\(group)/memory.oom_control", "\(group.dropFirst())/memory.events"] {
            let bytes: [UInt8] = ((try? StateFile(path: "/sys/fs/cgroup/\(file)").read()) ?? nil) ?? []
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                let words: [Substring] = line.split(separator: " ")
                if words.count == 2, words[0] == "oom_kill", words[1] != "0" { return true }
            }
        }
        return false
    }
}
