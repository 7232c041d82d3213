import EventLoop
import Glibc
import HTTP
import HostAgentCore
import HostProtocol
import JSON
import Testing

@testable import HostRuntime

/// The part of the contract that needs something to run: all runtimes but the simulated one.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RunningContractTests {
    @Test(.enabled(if: OCIForTests.refusal == nil, "\(OCIForTests.refusal ?? "")"))
    func `an OCI runtime is among the runtimes that are tried`() {
        #expect(RuntimeUnderTest.available.contains(.oci))
    }

    @Test func `an OCI runtime takes part where it must`() throws {
        try #require(!OCIForTests.isRequired || OCIForTests.refusal == nil, "\(OCIForTests.refusal ?? "")")
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give a plain child a root folder of its own"))
    func `plain children are among the runtimes that are tried`() {
        #expect(RuntimeUnderTest.available.contains(.process))
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `exit codes are those of the program, or 128 and the signal that ended it`(kind: RuntimeUnderTest) async throws
    {
        try await kind.run { runtime in
            for (index, (script, code)) in [("exit 0", 0), ("exit 3", 3), ("sleep 1000 & kill -9 $$", 137)].enumerated()
            {
                let uuid: String = "exit-\(index)"
                // A shell that is the first of its process namespace cannot kill itself.
                let command: [String] = ["sh", "-c", index == 2 ? "sh -c '\(script)'; exit $?" : script]
                try await run(runtime, uuid, kind, command)
                let ended: RuntimeContainer = try await end(runtime, uuid)
                #expect(ended.exitCode == Int64(code), "\(script)")
                #expect(ended.startedAt != nil)
            }
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `the two streams of a container are told apart`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let made = try await run(runtime, "both-1", kind, ["sh", "-c", "echo out; echo err >&2; printf rest"])
            var kinds: [LogKind: String] = [:]
            for piece in try await read(runtime, made.externalID, LogOptions(follow: true)) {
                kinds[piece.kind, default: ""] += String(decoding: piece.bytes, as: UTF8.self)
            }
            #expect(kinds == [.stdout: "out\nrest", .stderr: "err\n"])
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `a terminal's output is one stream`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let made = try await run(
                runtime,
                "tty-1",
                kind,
                ["sh", "-c", "echo out; echo err >&2; [ -t 0 ] && [ -t 1 ] && echo terminal"],
                ["tty": true]
            )
            let pieces: [LogPiece] = try await read(runtime, made.externalID, LogOptions(follow: true))
            #expect(text(pieces) == "out\r\nerr\r\nterminal\r\n")
            #expect(pieces.allSatisfy { $0.kind == .tty })
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `output is followed while it comes, also over a restart's end`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let made = try await run(
                runtime,
                "flow-1",
                kind,
                ["sh", "-c", "echo one; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo two"],
                ["dataVolumes": kind == .process ? [] : []]
            )
            let source: any LogSource = try await runtime.logs(made.externalID, LogOptions(follow: true))
            #expect(try await source.next().map { text([$0]) } == "one\n")
            _ = try await runtime.stop(made.externalID)
            #expect(try await source.next() == nil)
            // What was written before the restart stays.
            _ = try await runtime.start(made.externalID)
            _ = try await eventually("the second run to speak") {
                text(try await read(runtime, made.externalID, LogOptions(follow: false))) == "one\none\n" ? true : nil
            }
            let later = LogOptions(follow: false, since: UInt64(time(nil)) + 1_000)
            #expect(try await read(runtime, made.externalID, later).isEmpty)
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `a published port answers at the host's own address, and the process sees what it was given`(
        kind: RuntimeUnderTest
    ) async throws {
        try await kind.run { runtime in
            let made = try await run(
                runtime,
                "port-1",
                kind,
                ["sh", "-c", "echo $WORD > /tmp/word; exec httpd -f -p ${DROVER_ADDRESS:-0.0.0.0}:18180 -h /tmp"],
                ["environment": ["WORD": "hello"], "ports": ["18124:18180"]]
            )
            let loop: EventLoop = try .start()
            let client = HTTPClient(loop: loop)
            func ask(_ address: String, _ port: Int) async -> String? {
                let request = HTTPRequest(method: "GET", target: "/word")
                let answer = try? await client.send(request, to: .tcp(host: address, port: port))
                return answer.map { String(decoding: $0.body, as: UTF8.self) }
            }
            let body: String = try await eventually("the container answers") { await ask("127.1.0.77", 18124) }
            #expect(body == "hello\n")
            // Its own address, which the API shows, answers as well.
            let own: String? = try await runtime.inspect(uuid: "port-1")?.primaryIPAddress
            if let own { #expect(await ask(own, 18180) == "hello\n") } else { Issue.record("it has no address") }
            _ = try await runtime.stop(made.externalID)
            #expect(await ask("127.1.0.77", 18124) == nil)
            await loop.stop()
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `what does not end when it is asked is ended when its time is over`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let made = try await run(
                runtime,
                "deaf-1",
                kind,
                ["sh", "-c", "trap '' TERM; echo deaf; while true; do sleep 0.1; done"],
                ["stopSignal": "SIGTERM", "stopTimeout": 1]
            )
            _ = try await eventually("the trap") {
                try await read(runtime, made.externalID, LogOptions(follow: false)).isEmpty ? nil : true
            }
            #expect(try await runtime.stop(made.externalID)?.exitCode == 137)
            let polite = try await run(
                runtime,
                "deaf-2",
                kind,
                ["sh", "-c", "trap 'echo asked; exit 5' TERM; echo ready; while true; do sleep 0.1; done"],
                ["stopSignal": "SIGTERM", "stopTimeout": 20]
            )
            _ = try await eventually("the trap") {
                try await read(runtime, polite.externalID, LogOptions(follow: false)).isEmpty ? nil : true
            }
            #expect(try await runtime.stop(polite.externalID)?.exitCode == 5)
            #expect(text(try await read(runtime, polite.externalID, LogOptions(follow: false))) == "ready\nasked\n")
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `an agent that starts again finds its containers, and how they ended meanwhile`(
        kind: RuntimeUnderTest
    ) async throws {
        try await kind.runAgain { again in
            var before: [RuntimeContainer] = []
            do {
                let first: any ContainerRuntime = try await again()
                try await run(first, "kept-1", kind, ["sleep", "1000"])
                try await run(first, "kept-2", kind, ["sh", "-c", "sleep 0.3; exit 7"])
                _ = try await first.create(spec("kept-3", image: kind.image))
                before = try await first.inventory()
            }
            let second: any ContainerRuntime = try await again()
            let ended: RuntimeContainer = try await end(second, "kept-2")
            #expect(ended.exitCode == 7)
            let after: [RuntimeContainer] = try await second.inventory()
            #expect(after.count == 3)
            for uuid in ["kept-1", "kept-3"] {
                #expect(after.first { $0.uuid == uuid } == before.first { $0.uuid == uuid })
            }
            #expect(after.first { $0.uuid == "kept-1" }?.phase == .running)
            #expect(try await second.stop("kept-1")?.phase ?? .exited == .exited)
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `a command that is not there is an error of the start that names it`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let made = try await runtime.create(spec("none-1", image: kind.image, command: ["no-such-program"]))
            do {
                _ = try await runtime.start(made.externalID)
                Issue.record("it was started")
            } catch let failure as OperationFailure {
                #expect(failure.message.contains("no-such-program"), "\(failure.message)")
                #expect(!failure.isTransient)
            }
            #expect(try await runtime.inspect(uuid: "none-1")?.phase != .running)
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `user, groups, folder and variables are as the launch configuration says`(kind: RuntimeUnderTest) async throws
    {
        try await kind.run { runtime in
            let made = try await run(
                runtime,
                "user-1",
                kind,
                ["sh", "-c", "id -u; id -g; id -G; pwd; echo $HOME; echo $A"],
                ["user": "app", "workingDir": "/tmp", "environment": ["A": "b=c d"]]
            )
            let output: String = text(try await read(runtime, made.externalID, LogOptions(follow: true)))
            #expect(output == "1234\n4321\n4321 77\n/tmp\n/home/app\nb=c d\n")
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `each container has files of its own, which it keeps over a restart`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let script: String = "ls /tmp; echo mine > /tmp/$0; exec sleep 1000"
            let one = try await run(runtime, "file-1", kind, ["sh", "-c", script, "one"])
            let two = try await run(runtime, "file-2", kind, ["sh", "-c", script, "two"])
            for made in [one, two] {
                _ = try await runtime.stop(made.externalID)
                _ = try await runtime.start(made.externalID)
            }
            for (made, name) in [(one, "one"), (two, "two")] {
                let seen: String = try await eventually("\(name) to list its files") {
                    let seen: String = text(try await read(runtime, made.externalID, LogOptions(follow: false)))
                    return seen.isEmpty ? nil : seen
                }
                #expect(seen == "\(name)\n")
            }
        }
    }

    // MARK: Steps

    @discardableResult
    private func run(
        _ runtime: any ContainerRuntime,
        _ uuid: String,
        _ kind: RuntimeUnderTest,
        _ command: [String],
        _ more: JSONObject = [:]
    ) async throws -> RuntimeContainer {
        let spec: InstanceSpec = spec(uuid, image: kind.image, command: command, more: more)
        try await runtime.pull(spec)
        let made: RuntimeContainer = try await runtime.create(spec)
        return try await runtime.start(made.externalID)
    }

    private func end(_ runtime: any ContainerRuntime, _ uuid: String) async throws -> RuntimeContainer {
        try await eventually("the end of \(uuid)") {
            let seen: RuntimeContainer? = try await runtime.inspect(uuid: uuid)
            return seen?.phase == .exited ? seen : nil
        }
    }
}

/// All output that there is.
func read(
    _ runtime: any ContainerRuntime,
    _ externalID: String,
    _ options: LogOptions
) async throws -> [LogPiece] {
    let source: any LogSource = try await runtime.logs(externalID, options)
    var pieces: [LogPiece] = []
    while let piece: LogPiece = try await source.next() { pieces.append(piece) }
    return pieces
}

func text(_ pieces: [LogPiece]) -> String { String(decoding: pieces.flatMap(\.bytes), as: UTF8.self) }
