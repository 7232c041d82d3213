import CLinux
import Glibc
import HostAgentCore

/// A child of a supervisor, which has one thread and waits for its children itself.
enum ShimProcess {
    /// This executable, also when another has taken its place.
    static let ownPath: String = "/proc/self/exe"
    static let path: String = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Starts a program with exactly these streams and variables; `report` becomes its descriptor 3.
    ///
    /// - Throws: when there is no such program, or it does not start.
    static func spawn(
        _ program: String,
        _ arguments: [String],
        environment: [String] = ["PATH=\(path)", "LC_ALL=C"],
        input: Int32,
        output: Int32,
        error: Int32,
        report: Int32? = nil,
        ownSession: Bool = false
    ) throws(OperationFailure) -> pid_t {
        guard let file: String = find(program) else {
            throw OperationFailure("the program '\(program)' is not installed")
        }
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, error, 2)
        if let report { posix_spawn_file_actions_adddup2(&actions, report, 3) }
        CLinux.posix_spawn_file_actions_addclosefrom_np(&actions, report == nil ? 3 : 4)
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        let session: Int32 = ownSession ? 0x80 /* POSIX_SPAWN_SETSID */ : 0
        posix_spawnattr_setflags(
            &attributes,
            Int16(Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK) | session)
        )
        var process: pid_t = 0
        let code: Int32 = withStrings([program == ownPath ? "drover" : program] + arguments) { arguments in
            withStrings(environment) { posix_spawn(&process, file, &actions, &attributes, arguments, $0) }
        }
        guard code == 0 else {
            throw OperationFailure("the program '\(program)' does not start: \(String(cString: strerror(code)))")
        }
        return process
    }

    /// Runs a program to its end and gives what it said, at most 64 KiB of it.
    static func run(
        _ program: String,
        _ arguments: [String],
        input: String = "",
        seconds: Int = 60
    ) throws(OperationFailure) -> (code: Int32, said: String) {
        let file: Int32 = clinux_memory_file("said")
        let given: Int32 = clinux_memory_file("given")
        defer {
            close(file)
            close(given)
        }
        guard file >= 0, given >= 0 else { throw FolderTree.failure("run", program) }
        let bytes: [UInt8] = Array(input.utf8)
        guard write(given, bytes, bytes.count) == bytes.count, lseek(given, 0, SEEK_SET) == 0 else {
            throw FolderTree.failure("run", program)
        }
        let process: pid_t = try spawn(program, arguments, input: given, output: file, error: file)
        let code: Int32 = wait(process, seconds: seconds)
        var said = [UInt8](repeating: 0, count: 64 * 1024)
        let count: Int = max(0, pread(file, &said, said.count, 0))
        return (code, String(decoding: said[..<count], as: UTF8.self))
    }

    /// The exit code, 128 and the signal's number, or -1 when it had to be killed because it took too long.
    static func wait(_ process: pid_t, seconds: Int) -> Int32 {
        let descriptor: Int32 = clinux_pidfd_open(process)
        defer { if descriptor >= 0 { close(descriptor) } }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var isLate: Bool = false
        if descriptor >= 0 {
            let end: Int64 = ShimClock.milliseconds + Int64(seconds) * 1_000
            while true {
                let left: Int64 = max(0, end - ShimClock.milliseconds)
                let count: Int32 = poll(&entry, 1, Int32(clamping: left))
                if count > 0 { break }
                if count == 0 {
                    isLate = true
                    kill(process, SIGKILL)
                    break
                }
            }
        }
        var raw: Int32 = 0
        while waitpid(process, &raw, 0) < 0 {
            guard errno == EINTR else { return -1 }
        }
        return isLate ? -1 : exitCode(raw)
    }

    /// From what `waitpid` gives.
    static func exitCode(_ raw: Int32) -> Int32 {
        let signal: Int32 = raw & 0x7F
        return signal == 0 ? raw >> 8 & 0xFF : 128 + signal
    }

    static func find(_ program: String) -> String? {
        if program.contains("/") { return access(program, X_OK) == 0 ? program : nil }
        for folder in path.split(separator: ":") {
            let file: String = "\(folder)/\(program)"
            if access(file, X_OK) == 0 { return file }
        }
        return nil
    }

    /// Calls `body` with a null-terminated array of C strings that live as long as the call.
    static func withStrings<Result>(
        _ texts: [String],
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var copies: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
        copies.append(nil)
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeMutableBufferPointer { buffer in
            // Never empty: the terminator is always there.
            guard let base = buffer.baseAddress else { preconditionFailure("an array with an element has no memory") }
            return body(base)
        }
    }
}

/// The clock that only goes forward.
enum ShimClock {
    static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
