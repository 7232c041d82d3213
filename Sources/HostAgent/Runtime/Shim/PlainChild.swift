import CLinux
import Glibc
import HostAgentCore
import JSON

/// The last steps of a plain child before its program: its root, its user, its folder.
enum PlainChild {
    /// Tells a program where to listen, when its runtime gives it no network of its own.
    static let addressVariable: String = "DROVER_ADDRESS"
    /// For the supervisor of a command only: what to run instead of the container's program.
    static let commandVariable: String = "DROVER_COMMAND"
    /// Where its supervisor reads why it failed.
    private static let report: Int32 = 3

    /// Returns only when the program cannot be run, with the exit code.
    static func run(_ folder: ContainerFolder) -> Int32 {
        // With its supervisor it goes, too.
        _ = clinux_die_with_parent()
        _ = fcntl(report, F_SETFD, FD_CLOEXEC)
        func fail(_ cause: String) -> Int32 {
            let bytes: [UInt8] = Array(cause.utf8)
            _ = write(report, bytes, bytes.count)
            return 127
        }
        func system(_ what: String) -> Int32 { fail("\(what): \(String(cString: strerror(errno)))") }
        guard var plan: ContainerPlan = folder.plan() else { return fail("its plan cannot be read") }
        if let text = getenv(commandVariable) {
            let value: JSONValue? = try? JSONReader.parse(Array(String(cString: text).utf8))
            plan.arguments = value?.array?.compactMap(\.string) ?? []
        }
        var environment: [String] = plan.environment
        if let address = getenv(addressVariable), !environment.contains(where: { $0.hasPrefix("\(addressVariable)=") })
        {
            environment.append("\(addressVariable)=\(String(cString: address))")
        }
        if isatty(0) == 1 { _ = clinux_control_terminal(0) }
        // Its supervisor notes that it runs, then lets it go on.
        raise(SIGSTOP)
        if plan.root == nil {
            mountKernelFiles("\(folder.path)/rootfs")
            guard chdir("\(folder.path)/rootfs") == 0, chroot(".") == 0, chdir("/") == 0 else {
                return system("cannot change to its root (which takes the right CAP_SYS_CHROOT)")
            }
        }
        let groups: [gid_t] = plan.groups
        let isChanged: Bool = plan.user != geteuid() || plan.group != getegid() || (!groups.isEmpty && geteuid() == 0)
        if geteuid() == 0 || isChanged {
            guard clinux_become(groups, groups.count, plan.group, plan.user) == 0 else {
                return system("cannot become user \(plan.user)")
            }
            _ = clinux_die_with_parent()
        }
        guard chdir(plan.folder) == 0 else { return system("cannot enter its working directory \(plan.folder)") }
        guard let program: String = plan.arguments.first else { return fail("it has no command") }
        for file in candidates(program, environment) {
            ShimProcess.withStrings(plan.arguments) { arguments in
                ShimProcess.withStrings(environment) { _ = execve(file, arguments, $0) }
            }
            if errno != ENOENT, errno != ENOTDIR, errno != EACCES { return system("'\(program)' does not run") }
        }
        return system("'\(program)' does not run")
    }

    /// `/proc` and `/sys`, where mounts are permitted: in a mount namespace that goes with the container, so that nothing is left.
    private static func mountKernelFiles(_ root: String) {
        guard clinux_unshare(Int32(CLINUX_NEWNS)) == 0,
            mount("none", "/", nil, UInt(MS_REC) | UInt(MS_SLAVE), nil) == 0
        else { return }
        for (name, kind) in [("proc", "proc"), ("sys", "sysfs")] {
            // A link of the image in this place must not lead the mount elsewhere.
            guard let place: String = FolderInRoot.find("/\(name)", in: root) else { continue }
            mount(
                kind,
                place,
                kind,
                UInt(MS_NOSUID) | UInt(MS_NODEV) | UInt(MS_NOEXEC) | (name == "sys" ? UInt(MS_RDONLY) : 0),
                nil
            )
        }
    }

    private static func candidates(_ program: String, _ environment: [String]) -> [String] {
        if program.contains("/") { return [program] }
        let path: Substring = environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? ShimProcess.path[...]
        return path.split(separator: ":").map { "\($0)/\(program)" }
    }
}
