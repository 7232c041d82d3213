import CLinux
import Glibc
import Limits
import TestSupport
import Testing

@testable import Subprocess

private let path: [String: String] = ["PATH": "/usr/local/bin:/usr/bin:/bin"]

/// A shell is only the tests' way to say in one line what a program does.
private func shell(_ script: String) -> SubprocessCommand {
    SubprocessCommand("sh", ["-c", script], environment: path)
}

private func failure(_ body: () async throws(SubprocessError) -> Void) async -> SubprocessError? {
    do throws(SubprocessError) {
        try await body()
        return nil
    } catch { return error }
}

/// Waits until `condition` holds; false when it did not within ten seconds.
private func holds(_ condition: () -> Bool) async -> Bool {
    let end: ContinuousClock.Instant = .now + .seconds(10)
    while !condition() {
        guard ContinuousClock.now < end else { return false }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return true
}

struct SubprocessRunTests {
    @Test func `output, errors and the exit code come back`() async throws {
        let result: SubprocessResult = try await Subprocess.run(shell("echo out; echo err >&2; exit 3"))
        #expect(result.status == .exited(code: 3))
        #expect(result.outputText == "out\n")
        #expect(result.errorText == "err\n")
        #expect(try await Subprocess.run(shell("kill -9 $$")).status == .signalled(SIGKILL))
    }

    @Test func `arguments and variables arrive as they are and nothing else does`() async throws {
        let arguments: [String] = ["", "a b", "$HOME", "\"'*", "é\n"]
        let printed: SubprocessResult = try await Subprocess.run("printf", ["%s|"] + arguments)
        #expect(printed.outputText == arguments.map { $0 + "|" }.joined())
        let seen: SubprocessResult = try await Subprocess.run(
            "env",
            [],
            environment: ["A": "1", "B": "x=y"],
            workingDirectory: "/"
        )
        #expect(Set(seen.outputText.split(separator: "\n")) == ["A=1", "B=x=y"])
        #expect(try await Subprocess.run("pwd", [], workingDirectory: "/usr").outputText == "/usr\n")
    }

    @Test func `input larger than any pipe comes back whole`() async throws {
        let input: [UInt8] = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let result: SubprocessResult = try await Subprocess.run(SubprocessCommand("cat"), input: input)
        #expect(result.standardOutput == input)
    }

    @Test func `a program need not read its input`() async throws {
        let result: SubprocessResult = try await Subprocess.run(
            shell("exec 0<&-; echo done"),
            input: [UInt8](repeating: 1, count: 1_000_000)
        )
        #expect(result.status.isSuccess && result.outputText == "done\n")
        #expect(try await Subprocess.run(SubprocessCommand("cat")).standardOutput.isEmpty)
    }

    @Test func `no descriptor of this process is inherited`() async throws {
        let leaked: Int32 = open("/dev/null", O_RDONLY)
        defer { close(leaked) }
        let result: SubprocessResult = try await Subprocess.run("ls", ["/proc/self/fd"])
        // The fourth is the folder that ls reads.
        #expect(result.outputText.split(separator: "\n") == ["0", "1", "2", "3"])
    }

    @Test func `a program gets the limit of descriptors that this process had before it took more`() async throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let before: rlimit = limit
        limit.rlim_cur = min(777, limit.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let change: DescriptorLimit.Change? = DescriptorLimit.raise()
        #expect(change == DescriptorLimit.Change(before: UInt(limit.rlim_cur), now: UInt(before.rlim_max)))
        var now = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &now)
        #expect(now.rlim_cur == before.rlim_max)
        // It reads its input first, which it gets when it has been started.
        let program: SubprocessCommand = shell("read line; ulimit -Sn; ulimit -Hn")
        let result: SubprocessResult = try await Subprocess.run(program, input: Array("go\n".utf8))
        let hard: String = before.rlim_max == rlim_t.max ? "unlimited" : "\(before.rlim_max)"
        #expect(result.outputText == "\(limit.rlim_cur)\n\(hard)\n")
        // There is no more to take.
        #expect(DescriptorLimit.raise()?.before == change?.now)
    }

    @Test func `signals that this process ignores are back to their defaults`() async throws {
        signal(SIGPIPE, SIG_IGN)
        let result: SubprocessResult = try await Subprocess.run("grep", ["-E", "^Sig(Ign|Blk)", "/proc/self/status"])
        let lines: [Substring] = result.outputText.split(separator: "\n")
        try #require(lines.count == 2)
        for line in lines {
            let mask: UInt64 = try #require(UInt64(line.split(separator: "\t")[1], radix: 16))
            // 32 and 33 are the C library's own, and it always ignores them in what it spawns.
            #expect(mask & 0x7FFF_FFFF == 0, "\(line)")
        }
    }

    @Test func `a program that does not end is asked, then killed, with its children`() async throws {
        let polite: SubprocessError? = await failure { () async throws(SubprocessError) in
            _ = try await Subprocess.run(shell("echo waiting >&2; sleep 100"), deadline: .milliseconds(200))
        }
        #expect(polite == .deadlineExceeded(program: "sh", seconds: 0.2, standardError: "waiting\n"))
        #expect(polite?.description == "sh: killed because it did not end within 0.2 s; it had said: waiting\n")
    }

    @Test func `what a program leaves behind in its group is killed`() async throws {
        let result: SubprocessResult = try await Subprocess.run(shell("sleep 100 >/dev/null 2>&1 & echo $!"))
        let left: pid_t = try #require(pid_t(result.outputText.dropLast()))
        #expect(await holds { hasEnded(left) })
    }

    @Test func `too much output is an error and not a cut`() async throws {
        let error: SubprocessError? = await failure { () async throws(SubprocessError) in
            _ = try await Subprocess.run(shell("yes"), outputBytes: 100_000)
        }
        #expect(error == .outputTooLong(program: "sh", stream: "standard output", limitBytes: 100_000))
        let fits: SubprocessResult = try await Subprocess.run(shell("head -c 1000 /dev/zero"), outputBytes: 1_000)
        #expect(fits.standardOutput.count == 1_000)
        let errors: SubprocessError? = await failure { () async throws(SubprocessError) in
            _ = try await Subprocess.run(shell("head -c 1001 /dev/zero >&2"), outputBytes: 1_000)
        }
        #expect(errors == .outputTooLong(program: "sh", stream: "standard error", limitBytes: 1_000))
    }

    @Test func `a cancelled task kills its program`() async throws {
        let task: Task<SubprocessError?, Never> = Task {
            await failure { () async throws(SubprocessError) in _ = try await Subprocess.run(shell("sleep 100")) }
        }
        task.cancel()
        #expect(await task.value == .cancelled(program: "sh"))
    }

    @Test func `what cannot be started says why`() async throws {
        func start(_ command: SubprocessCommand) async -> String? {
            await failure { () async throws(SubprocessError) in _ = try await Subprocess.run(command) }?.description
        }
        #expect(
            await start(SubprocessCommand("no-such-program", environment: ["PATH": "/bin"]))
                == "no-such-program: not found in PATH (/bin); install it or name it by its absolute path"
        )
        #expect(await start(SubprocessCommand("/no/such"))?.hasPrefix("/no/such: no such program") == true)
        #expect(await start(SubprocessCommand("/etc/passwd"))?.contains("cannot be started: Permission denied") == true)
        #expect(await start(SubprocessCommand("./sh"))?.contains("must be absolute") == true)
        #expect(await start(SubprocessCommand(""))?.contains("not found") == true)
        #expect(await start(SubprocessCommand("ls", ["a\0b"]))?.contains("zero byte") == true)
        #expect(await start(SubprocessCommand("ls", environment: ["A=B": "1"]))?.contains("holds '='") == true)
        #expect(await start(SubprocessCommand("ls", workingDirectory: "/no"))?.contains("folder") == false)
        #expect(
            await start(SubprocessCommand("ls", workingDirectory: "/no"))?.contains("/no cannot be entered") == true
        )
    }

    @Test func `many programs run at once`() async throws {
        let count: Int = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<30 {
                group.addTask { try await Subprocess.run(shell("echo \(number)")).outputText == "\(number)\n" }
            }
            var good: Int = 0
            for try await isGood in group where isGood { good += 1 }
            return good
        }
        #expect(count == 30)
    }
}

/// Whether a process is gone or waits only to be reaped by whoever adopted it.
private func hasEnded(_ process: pid_t) -> Bool {
    guard kill(process, 0) == 0 else { return true }
    let file: Int32 = open("/proc/\(process)/stat", O_RDONLY)
    guard file >= 0 else { return true }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 512)
    let count: Int = read(file, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).contains(") Z ")
}

struct ChildProcessTests {
    @Test func `a child runs until it is told to end`() async throws {
        let child: ChildProcess = try ChildProcess.spawn(
            SubprocessCommand("sleep", ["100"]),
            standardOutput: .null,
            standardError: .null
        )
        #expect(child.status == nil)
        #expect(kill(child.processID, 0) == 0)
        #expect(getpgid(child.processID) == child.processID)
        child.terminate()
        #expect(await child.wait() == .signalled(SIGTERM))
        #expect(child.status == .signalled(SIGTERM))
        #expect(await child.stop() == .signalled(SIGTERM))
    }

    @Test func `a child that does not heed is killed after its grace, with its group`() async throws {
        var ends: [Int32] = [0, 0]
        try #require(CLinux.pipe2(&ends, O_CLOEXEC) == 0)
        defer { for end in ends { close(end) } }
        let child: ChildProcess = try ChildProcess.spawn(
            shell("trap '' TERM; sleep 100 & echo $!; wait; wait; wait"),
            standardOutput: .descriptor(ends[1]),
            standardError: .null
        )
        var buffer = [UInt8](repeating: 0, count: 64)
        let count: Int = read(ends[0], &buffer, buffer.count)
        let grandchild: pid_t = try #require(pid_t(String(decoding: buffer.prefix(max(1, count) - 1), as: UTF8.self)))
        #expect(await child.stop(grace: .milliseconds(50)) == .signalled(SIGKILL))
        #expect(await holds { hasEnded(grandchild) })
    }

    @Test func `output is appended to a file`() async throws {
        let folder = Folder()
        defer { withExtendedLifetime(folder) {} }
        let file: String = "\(folder.path)/output"
        for text in ["one", "two"] {
            let child: ChildProcess = try ChildProcess.spawn(
                shell("echo \(text); echo err >&2"),
                standardOutput: .appendTo(file),
                standardError: .appendTo(file)
            )
            #expect(await child.wait().isSuccess)
        }
        #expect(try await Subprocess.run("cat", [file]).outputText == "one\nerr\ntwo\nerr\n")
    }

    @Test func `a child may stay in this process's group`() async throws {
        let child: ChildProcess = try ChildProcess.spawn(SubprocessCommand("sleep", ["100"]), ownGroup: false)
        #expect(getpgid(child.processID) == getpgrp())
        child.kill()
        #expect(await child.wait() == .signalled(SIGKILL))
    }

    @Test func `what cannot be started says why`() async throws {
        let error: SubprocessError? = await failure { () async throws(SubprocessError) in
            _ = try ChildProcess.spawn(SubprocessCommand("sleep", ["1"]), standardOutput: .appendTo("/no/log"))
        }
        #expect(error?.description == "sleep: cannot be started: its output to /no/log: No such file or directory")
    }
}
