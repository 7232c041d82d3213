import EventLoop
import Glibc
import HTTP
import HostAgentCore
import HostProtocol
import JSON
import Subprocess
import Testing

@testable import HostRuntime

/// What only an engine can show.
@Suite(
    .serialized,
    .enabled(if: DockerForTests.mayRun, "no Docker Engine answers at DOCKER_HOST or /var/run/docker.sock")
)
struct DockerRuntimeTests {
    @Test func `a name that somebody else's container has is an error that says whose`() async throws {
        try await RuntimeUnderTest.docker.run { runtime in
            let docker: DockerRuntime = try #require(runtime as? DockerRuntime)
            let spec: InstanceSpec = spec("eeee0000-1", image: RuntimeUnderTest.docker.image)
            let name: String = DockerName.make(
                instanceName: spec.name,
                hostUUID: docker.hostUUID,
                instanceUUID: spec.uuid
            )
            let made = try await docker.engine.call(
                "POST",
                "/containers/create",
                query: [("name", name)],
                body: ["Image": .string(DockerForTests.image), "Cmd": ["sleep", "1"]],
                "make a stranger"
            )
            #expect(made.status == 201)
            do {
                _ = try await runtime.create(spec)
                Issue.record("it was created")
            } catch let failure as OperationFailure {
                #expect(failure.message.contains("the name belongs to container"), "\(failure.message)")
                #expect(failure.message.contains(DockerForTests.image))
            }
            // Nor is the stranger ever removed by us.
            let id: String = try #require(made.body["Id"]?.string)
            await #expect(throws: OperationFailure.self) { try await runtime.remove(id) }
            let gone = try await docker.engine.call("DELETE", "/containers/\(id)", "remove the stranger")
            #expect(gone.status == 204)
        }
    }

    @Test func `a port that a program has is an error that says which program`() async throws {
        try await RuntimeUnderTest.docker.run { runtime in
            let loops: Loops = try .start(count: 1)
            let server: HTTPServer = try .start(on: .tcp(host: "127.1.0.77", port: 0), loops: loops) { _, _ in
                .text(200, "ok")
            }
            let port: Int = server.endpoint.port ?? 0
            let made = try await runtime.create(
                spec("ffff-1", image: RuntimeUnderTest.docker.image, ports: ["\(port):80"])
            )
            do {
                _ = try await runtime.start(made.externalID)
                Issue.record("it was started")
            } catch let failure as OperationFailure {
                #expect(
                    failure.message.hasPrefix("port \(port)/tcp on 127.1.0.77 is already taken by "),
                    "\(failure.message)"
                )
            }
            await server.stop(graceMilliseconds: 0)
            await loops.stop()
        }
    }

    @Test func `a published port answers at the host's own address, and the process sees what it was given`()
        async throws
    {
        try await RuntimeUnderTest.docker.run { runtime in
            let made = try await runtime.create(
                spec(
                    "ffff-2",
                    image: RuntimeUnderTest.docker.image,
                    command: ["sh", "-c", "echo $WORD > /tmp/word; exec httpd -f -p 80 -h /tmp"],
                    ports: ["18124:80"],
                    more: ["environment": ["WORD": "hello"], "readOnly": false]
                )
            )
            _ = try await runtime.start(made.externalID)
            let loop: EventLoop = try .start()
            let client = HTTPClient(loop: loop)
            let body: String = try await eventually("the container answers") {
                let answer = try? await client.send(
                    HTTPRequest(method: "GET", target: "/word"),
                    to: .tcp(host: "127.1.0.77", port: 18124)
                )
                return answer.map { String(decoding: $0.body, as: UTF8.self) }
            }
            #expect(body == "hello\n")
            await loop.stop()
        }
    }

    @Test func `a terminal's output is one stream`() async throws {
        try await RuntimeUnderTest.docker.run { runtime in
            let made = try await runtime.create(
                spec(
                    "ffff-3",
                    image: RuntimeUnderTest.docker.image,
                    command: ["sh", "-c", "echo out; echo err >&2"],
                    more: ["tty": true]
                )
            )
            _ = try await runtime.start(made.externalID)
            let source: any LogSource = try await runtime.logs(made.externalID, LogOptions(follow: true))
            var pieces: [LogPiece] = []
            while let piece: LogPiece = try await source.next() { pieces.append(piece) }
            #expect(String(decoding: pieces.flatMap(\.bytes), as: UTF8.self) == "out\r\nerr\r\n")
            #expect(pieces.allSatisfy { $0.kind == .tty })
        }
    }

    @Test func `the two streams of a container are told apart`() async throws {
        try await RuntimeUnderTest.docker.run { runtime in
            let made = try await runtime.create(
                spec(
                    "ffff-4",
                    image: RuntimeUnderTest.docker.image,
                    command: ["sh", "-c", "echo out; echo err >&2"]
                )
            )
            _ = try await runtime.start(made.externalID)
            let source: any LogSource = try await runtime.logs(made.externalID, LogOptions(follow: true))
            var kinds: [LogKind: String] = [:]
            while let piece: LogPiece = try await source.next() {
                kinds[piece.kind, default: ""] += String(decoding: piece.bytes, as: UTF8.self)
            }
            #expect(kinds == [.stdout: "out\n", .stderr: "err\n"])
        }
    }

    @Test func `a command that is not in the image is an error of the start`() async throws {
        try await RuntimeUnderTest.docker.run { runtime in
            let made = try await runtime.create(
                spec("ffff-5", image: RuntimeUnderTest.docker.image, command: ["no-such-program"])
            )
            do {
                _ = try await runtime.start(made.externalID)
                Issue.record("it was started")
            } catch let failure as OperationFailure {
                #expect(failure.message.contains("no-such-program"), "\(failure.message)")
                #expect(!failure.isTransient)
            }
        }
    }
}

struct DockerAbsenceTests {
    @Test func `with no engine at the socket, the failure says so and is tried again`() async throws {
        let loop: EventLoop = try .start()
        do {
            _ = try await DockerRuntime.connect(
                socketPath: "/tmp/no-engine-\(getpid()).sock",
                hostUUID: "h",
                address: "127.0.0.1",
                loop: loop
            )
            Issue.record("somebody answered")
        } catch {
            #expect(error.isTransient)
            #expect(error.message.contains("is it running?"))
        }
        await loop.stop()
    }

    @Test func `DOCKER_HOST is a Unix socket or an error`() throws {
        #expect(try DockerEngine.socketPath(dockerHost: nil) == "/var/run/docker.sock")
        #expect(try DockerEngine.socketPath(dockerHost: "unix:///x/y.sock") == "/x/y.sock")
        #expect(throws: OperationFailure.self) { try DockerEngine.socketPath(dockerHost: "tcp://1.2.3.4:2375") }
    }
}
