import CLinux
import Glibc

/// Starts a program with `posix_spawn`.
///
/// The child has its three standard streams and no other descriptor, default signal handling, an empty signal
/// mask, and a process group of its own when asked for.
enum Launch {
    static func start(
        _ command: SubprocessCommand,
        standardInput: Int32,
        standardOutput: Int32,
        standardError: Int32,
        ownGroup: Bool
    ) throws(SubprocessError) -> pid_t {
        let path: String = try resolve(command)
        let variables: [String] = command.environment.map { "\($0.key)=\($0.value)" }
        let texts: [String] = [path] + command.arguments + variables + [command.workingDirectory ?? ""]
        guard texts.allSatisfy({ !$0.utf8.contains(0) }) else {
            throw .notStarted(program: command.program, cause: "an argument or variable holds a zero byte")
        }
        guard command.environment.keys.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(UInt8(ascii: "=")) }) else {
            throw .notStarted(program: command.program, cause: "a variable's name is empty or holds '='")
        }

        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, standardInput, 0)
        posix_spawn_file_actions_adddup2(&actions, standardOutput, 1)
        posix_spawn_file_actions_adddup2(&actions, standardError, 2)
        // Whatever some library forgot to mark: nothing above the standard streams survives.
        CLinux.posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        if let folder: String = command.workingDirectory {
            CLinux.posix_spawn_file_actions_addchdir_np(&actions, folder)
        }

        // This process ignores SIGPIPE and may block others; a program expects the defaults.
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        let group: Int32 = ownGroup ? Int32(POSIX_SPAWN_SETPGROUP) : 0
        posix_spawnattr_setflags(
            &attributes,
            Int16(Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK) | group)
        )
        posix_spawnattr_setpgroup(&attributes, 0)

        var process: pid_t = 0
        let code: Int32 = withCStrings([command.program] + command.arguments) { arguments in
            withCStrings(variables) { variables in
                posix_spawn(&process, path, &actions, &attributes, arguments, variables)
            }
        }
        guard code == 0 else { throw failure(code, command, path) }
        DescriptorLimit.giveBack(to: process)
        return process
    }

    /// The file to run.
    private static func resolve(_ command: SubprocessCommand) throws(SubprocessError) -> String {
        let program: String = command.program
        guard !program.utf8.contains(UInt8(ascii: "/")) else {
            // Relative to what? The working directory of the child and of this process may differ.
            guard program.hasPrefix("/") else {
                throw .notStarted(program: program, cause: "the path must be absolute, or a bare name")
            }
            return program
        }
        let folders: String = command.environment["PATH"] ?? defaultPath
        for folder in folders.split(separator: ":") where folder.hasPrefix("/") {
            let path: String = "\(folder)/\(program)"
            if !program.isEmpty, isExecutableFile(path) { return path }
        }
        throw .notFound(program: program, searched: folders)
    }

    private static let defaultPath: String = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    private static func isExecutableFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    private static func failure(_ code: Int32, _ command: SubprocessCommand, _ path: String) -> SubprocessError {
        var status = stat()
        if let folder: String = command.workingDirectory {
            // The child cannot tell which step failed; a missing folder looks like a missing program.
            guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, access(folder, X_OK) == 0 else {
                return .notStarted(program: command.program, cause: "its working directory \(folder) cannot be entered")
            }
        }
        guard code == ENOENT else { return .notStarted(program: command.program, cause: systemMessage(code)) }
        guard stat(path, &status) != 0 else {
            return .notStarted(program: command.program, cause: "its interpreter or loader is missing")
        }
        return .notFound(program: command.program, searched: nil)
    }

    /// Calls `body` with a null-terminated array of C strings that live as long as the call.
    private static func withCStrings<Result>(
        _ texts: [String],
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let copies: UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?> = .allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { copies.initializeElement(at: index, to: strdup(text)) }
        copies.initializeElement(at: texts.count, to: nil)
        defer {
            for copy in copies { free(copy) }
            copies.deallocate()
        }
        // Never empty: the terminator is always there.
        guard let base = copies.baseAddress else { preconditionFailure("no memory for \(texts.count) arguments") }
        return body(base)
    }
}
