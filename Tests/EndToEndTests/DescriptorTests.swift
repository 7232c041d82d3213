import Glibc
import Limits
import Subprocess
import Testing

extension EndToEnd {
    /// How many files and connections a node may have open.
    @Suite(.serialized) struct DescriptorTests {
        @Test func `a node takes as many descriptors as it may have, and says when they are few`() async throws {
            try await withFolder { folder in
                let data: String = "\(folder)/node"
                let made: SubprocessResult = try await run(
                    "exec \(Program.path) server init --name one --data \(data) --http 127.0.0.1:0 --https 127.0.0.1:0 --output json",
                    folder
                )
                try #require(made.status == .exited(code: 0), "\(made.errorText)")
                var own = rlimit()
                try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &own) == 0)
                for hard: Int in [1_500, Int(clamping: own.rlim_max)] {
                    let isFew: Bool = hard < Limits.serverDescriptors
                    let log: String = "\(folder)/\(hard).log"
                    let child: ChildProcess = try .spawn(
                        command(
                            "ulimit -Sn 1000 && ulimit -Hn \(hard) && exec \(Program.path) server run --data \(data)",
                            folder
                        ),
                        standardOutput: .appendTo(log),
                        standardError: .appendTo(log),
                        ownGroup: false
                    )
                    defer { child.kill() }
                    let text: String = try await wait(for: "the node to start", seconds: 60) {
                        try #require(child.status == nil, "\(Files.read(log) ?? "")")
                        return Files.read(log).flatMap { $0.contains("node started") ? $0 : nil }
                    }
                    let limits: String = try #require(Files.read("/proc/\(child.processID)/limits"))
                    let words: [Substring] = try #require(
                        limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
                    ).split(separator: " ")
                    #expect(words.contains("\(hard)") && !words.contains("1000"), "\(words)")
                    #expect(text.contains("more files and connections may be open"), "\(text)")
                    #expect(text.contains("few files and connections may be open") == isFew, "\(text)")
                    #expect(text.contains("LimitNOFILE=") == isFew)
                    child.signal(SIGTERM)
                    #expect(await child.wait() == .exited(code: 0))
                }
            }
        }

        private func command(_ script: String, _ folder: String) -> SubprocessCommand {
            SubprocessCommand(
                "/bin/bash",
                ["-c", script],
                environment: Program.environment(["HOME": folder]),
                workingDirectory: folder
            )
        }

        private func run(_ script: String, _ folder: String) async throws -> SubprocessResult {
            try await Subprocess.run(command(script, folder), deadline: .seconds(60))
        }
    }
}
