import Glibc
import JSON
import Subprocess
import Testing

extension EndToEnd {
    /// Commands in containers, from the command line to the runtime and back.
    @Suite(.serialized) struct ExecTests {
        @Test func `commands run in simulated containers`() async throws {
            try await DevRig.run { rig in
                try await rig.up(try rig.plain("shop", scale: 2)).ends(0)
                try await ExecTests.check(rig, image: "example/web:1", showSize: "stty size")
                let audit: String = try await rig.run(["exec", "shop/web", "echo", "once more"]).ends(0).out
                try #require(audit == "once more\n")
            }
        }

        @Test(.enabled("no Docker Engine answers", { await Docker.mayRun() }))
        func `commands run in containers of a Docker Engine`() async throws {
            try await Docker.makeImage()
            try await DevRig.run(runtime: "docker", afterwards: { await $0.removeEngineContainers() }) { rig in
                let path: String = try rig.compose(
                    "shop",
                    "version: '2'\nservices:\n  web:\n    image: \(Docker.image)\n"
                )
                try await rig.up(path).ends(0)
                // Engines before 25 learn the size a moment after the start.
                let showSize: String =
                    "sh -c 'until [ -n \"$(stty size 2>/dev/null)\" ]; do sleep 0.1; done; stty size'"
                try await ExecTests.check(rig, image: Docker.image, showSize: showSize)
                // A command whose client goes away is ended.
                let client = Task {
                    try await rig.run(
                        ["exec", "-i", "shop/web", "--", "sh", "-c", "echo up; exec sleep 4321"],
                        seconds: 3
                    )
                }
                _ = try? await client.value
                try await wait(
                    for: "the end of the command",
                    until: {
                        let names: [String] = Files.names(in: "/proc").compactMap { Files.read("/proc/\($0)/cmdline") }
                        return names.contains { $0.contains("sleep\04321") && !$0.contains("drover") } == false
                    }
                )
            }
        }

        /// - Parameter showSize: a command that prints the size of its terminal.
        private static func check(_ rig: DevRig, image: String, showSize: String) async throws {
            let service: String = "shop/web"
            // Output, the two kinds apart, and the code.
            let both = try await rig.run(["exec", service, "--", "sh", "-c", "echo one; echo two >&2; exit 3"]).ends(3)
            try #require(both.out == "one\n", "\(both)")
            try #require(both.error.hasSuffix("two\n"), "\(both)")
            // Input, up to its end, much more than any window.
            let text: String = String(repeating: "0123456789abcde\n", count: 40_000)
            let cat = try await shell(rig, "cat", "exec -i \(service) cat", input: Array(text.utf8))
            try #require(cat.outputText == text, "\(cat.outputText.count) of \(text.count); \(cat.errorText)")
            // A terminal of the size of this one, and one that is as it was before when the command has ended.
            let terminal = try await onTerminal(rig, "exec -it \(service) \(showSize)", columns: 91, rows: 17)
            try #require(terminal.contains("17 91\r\n"), "\(terminal)")
            try #require(terminal.contains(" icanon") && terminal.contains(" echo "), "\(terminal)")
            // What cannot be run.
            let missing = try await rig.run(["exec", service, "no-such-program"]).ends(127)
            try #require((missing.out + missing.error).contains("no-such-program"), "\(missing)")
            let nothing = try await rig.run(["exec", "shop/nothing", "id"]).ends(1)
            try #require(nothing.error.contains("there is no container or service"), "\(nothing)")
            // A container that is stopped.
            let stopped: String = try await stoppedContainer(rig, image)
            let refused = try await rig.run(["exec", stopped, "id"]).ends(1)
            try #require(refused.error.contains("cannot do 'execute' while it is stopped"), "\(refused)")
        }

        /// Of no service, so that nobody starts it again; its id.
        private static func stoppedContainer(_ rig: DevRig, _ image: String) async throws -> String {
            let path: String = "projects/1a5/containers"
            let made = try await rig.api("POST", path, ["name": "single", "imageUuid": .string("docker:\(image)")])
            let id: String = try #require(made.body["id"]?.string, "\(made)")
            func reach(_ state: String) async throws {
                try await wait(
                    for: "\(id) to be \(state)",
                    until: { try await rig.api("GET", "\(path)/\(id)").body["state"]?.string == state }
                )
            }
            try await reach("running")
            let answer = try await rig.api("POST", "\(path)/\(id)?action=stop", ["timeout": 1])
            try #require(answer.status == 202, "\(answer)")
            try await reach("stopped")
            return id
        }

        private static func shell(
            _ rig: DevRig,
            _ what: String,
            _ arguments: String,
            input: [UInt8]
        ) async throws -> SubprocessResult {
            let result: SubprocessResult = try await Subprocess.run(
                Program.path,
                arguments.split(separator: " ").map(String.init),
                environment: Program.environment(["DROVER_DATA": rig.data, "HOME": rig.folder]),
                input: input
            )
            guard result.status.isSuccess else { throw RigFailure("\(what): \(result.status) \(result.errorText)") }
            return result
        }

        /// On a pseudo-terminal, followed by the terminal's settings.
        private static func onTerminal(
            _ rig: DevRig,
            _ arguments: String,
            columns: Int,
            rows: Int
        ) async throws -> String {
            let line: String = "stty cols \(columns) rows \(rows); \(Program.path) \(arguments); stty -a"
            let result: SubprocessResult = try await Subprocess.run(
                "script",
                ["--quiet", "--command", line, "/dev/null"],
                environment: Program.environment([
                    "DROVER_DATA": rig.data, "HOME": rig.folder, "TERM": "xterm", "SHELL": "/bin/sh",
                ])
            )
            return result.outputText
        }
    }
}
