import HostAgentCore
import HostProtocol
import HostRuntime
import Testing

/// What every runtime does alike, so that the agent need not know which one it has.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RuntimeContractTests {
    @Test func `the Docker Engine takes part where it must`() throws {
        try #require(!DockerForTests.isRequired || RuntimeUnderTest.available.contains(.docker))
    }

    @Test(.enabled(if: DockerForTests.mayRun, "no Docker Engine answers at DOCKER_HOST or /var/run/docker.sock"))
    func `the Docker Engine is among the runtimes that are tried`() {
        #expect(RuntimeUnderTest.available.contains(.docker))
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `a container is created, started, stopped, started again and removed`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            #expect(try await runtime.inventory().isEmpty)
            let spec: InstanceSpec = spec("aaaa-1", image: kind.image)
            try await runtime.pull(spec)
            let made: RuntimeContainer = try await runtime.create(spec)
            #expect(made.phase == .created)
            #expect(made.uuid == "aaaa-1")
            #expect(made.number == 7)
            #expect(made.name.contains("web-app-1"))
            #expect(made.startedAt == nil)
            #expect(try await runtime.inventory() == [made])

            let started: RuntimeContainer = try await runtime.start(made.externalID)
            #expect(started.phase == .running)
            #expect(started.externalID == made.externalID)
            #expect(started.startedAt != nil)
            #expect(started.exitCode == nil)
            #expect(try await runtime.inspect(uuid: "aaaa-1") == started)
            #expect(try await runtime.start(made.externalID).phase == .running)

            let stopped: RuntimeContainer? = try await runtime.stop(made.externalID)
            #expect(stopped?.phase == .exited)
            #expect(stopped?.exitCode != nil)
            #expect(stopped?.primaryIPAddress == nil)
            #expect(try await runtime.stop(made.externalID)?.phase == .exited)
            #expect(try await runtime.start(made.externalID).phase == .running)

            try await runtime.remove(made.externalID)
            try await runtime.remove(made.externalID)
            #expect(try await runtime.inspect(uuid: "aaaa-1") == nil)
            #expect(try await runtime.inventory().isEmpty)
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `creating twice gives the same container`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let first: RuntimeContainer = try await runtime.create(spec("aaaa-2", image: kind.image))
            let second: RuntimeContainer = try await runtime.create(spec("aaaa-2", image: kind.image))
            #expect(first == second)
            #expect(try await runtime.inventory().count == 1)
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `a container that ends is told of, with its code`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let events: AsyncStream<RuntimeEvent> = runtime.events()
            var told: AsyncStream<RuntimeEvent>.Iterator = events.makeAsyncIterator()
            #expect(await told.next() == .interrupted)
            let made = try await runtime.create(
                spec("aaaa-3", image: kind.image, command: ["sh", "-c", "exit 3"])
            )
            _ = try await runtime.start(made.externalID)
            // Each event asks for a look; after the last one the look shows the end. What happened before the runtime
            // began to listen is told of by one more interruption.
            while let event: RuntimeEvent = await told.next() {
                guard event == .changed(uuid: "aaaa-3") || event == .interrupted else { continue }
                let seen: RuntimeContainer? = try await runtime.inspect(uuid: "aaaa-3")
                guard seen?.phase == .exited else { continue }
                #expect(seen?.exitCode == 3)
                break
            }
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `a container of another host is not seen`(kind: RuntimeUnderTest) async throws {
        try await kind.run { one in
            _ = try await one.create(spec("aaaa-4", image: kind.image))
            try await kind.run { other in
                let seen: [RuntimeContainer] = try await other.inventory()
                let found: RuntimeContainer? = try await other.inspect(uuid: "aaaa-4")
                #expect(seen.isEmpty)
                #expect(found == nil)
            }
            #expect(try await one.inventory().count == 1)
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `an image that cannot be had is an error that names it`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            do {
                try await runtime.pull(spec("aaaa-5", image: kind.missingImage))
                Issue.record("it was pulled")
            } catch let failure as OperationFailure {
                #expect(failure.message.contains(String(kind.missingImage.dropFirst("docker:".count))))
                #expect(!failure.isTransient)
            }
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `a host port that is taken is an error that says which and by what`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let first = try await runtime.create(
                spec("bbbb-1", image: kind.image, ports: ["18123:80/tcp"])
            )
            _ = try await runtime.start(first.externalID)
            let second = try await runtime.create(spec("cccc-2", image: kind.image, ports: ["18123:81"]))
            do {
                _ = try await runtime.start(second.externalID)
                Issue.record("both have the port")
            } catch let failure as OperationFailure {
                #expect(
                    failure.message.hasPrefix(
                        "port 18123/tcp on 127.1.0.77 is already taken by container \(first.name)"
                    ),
                    "\(failure.message)"
                )
                #expect(!failure.isTransient)
            }
            #expect(try await runtime.inspect(uuid: "cccc-2")?.phase == .created)
            // Another address of the machine has the same port free.
            let third = try await runtime.create(spec("dddd-3", image: kind.image, ports: ["127.1.0.78:18123:80"]))
            #expect(try await runtime.start(third.externalID).phase == .running)
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `what is not there cannot be started, and need not be stopped or removed`(
        kind: RuntimeUnderTest
    ) async throws {
        try await kind.run { runtime in
            #expect(try await runtime.stop("none") == nil)
            try await runtime.remove("none")
            await #expect(throws: OperationFailure.self) { try await runtime.start("none") }
            await #expect(throws: OperationFailure.self) { try await runtime.logs("none", LogOptions(follow: false)) }
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `output is read from its start, from its end, with times, and followed to its end`(
        kind: RuntimeUnderTest
    ) async throws {
        try await kind.run { runtime in
            let made = try await runtime.create(
                spec("aaaa-6", image: kind.image, command: ["sh", "-c", "echo one; echo two; exit 0"])
            )
            _ = try await runtime.start(made.externalID)
            let all: [LogPiece] = try await read(runtime, made.externalID, LogOptions(follow: true))
            let lines: [Substring] = text(all).split(separator: "\n")
            #expect(lines.count >= 2)
            #expect(all.allSatisfy { $0.kind == .stdout && $0.time == nil })
            let last: [LogPiece] = try await read(
                runtime,
                made.externalID,
                LogOptions(follow: false, lines: 1, timestamps: true)
            )
            #expect(text(last) == lines.last.map { $0 + "\n" })
            #expect(last.count == 1)
            #expect(last.first?.time?.hasSuffix("Z") == true)
        }
    }

    @Test(arguments: RuntimeUnderTest.available)
    func `a reader that closes is let go while the container runs`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let made = try await runtime.create(
                spec("aaaa-7", image: kind.image, command: ["sh", "-c", "echo one; echo two; sleep 1000"])
            )
            _ = try await runtime.start(made.externalID)
            let source: any LogSource = try await runtime.logs(made.externalID, LogOptions(follow: true))
            let first: LogPiece? = try await source.next()
            #expect(first != nil)
            let rest = Task { while let _ = try? await source.next() {} }
            source.close()
            await rest.value
        }
    }
}
