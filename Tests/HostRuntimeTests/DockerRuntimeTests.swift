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
