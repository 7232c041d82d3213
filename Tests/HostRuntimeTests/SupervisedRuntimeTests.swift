import Glibc
import HostAgentCore
import HostProtocol
import JSON
import Testing

@testable import HostRuntime

/// What only the runtimes that supervise their containers themselves can show.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SupervisedRuntimeTests {
    @Test(arguments: RuntimeUnderTest.supervised)
    func `a container whose supervisor was killed has ended, and starts again`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let supervised: SupervisedRuntime = try #require(runtime as? SupervisedRuntime)
            let made = try await runtime.create(
                spec("lost-1", image: kind.image, command: ["sleep", "1000"], ports: ["18125:80"])
            )
            _ = try await runtime.start(made.externalID)
            let folder: ContainerFolder = try #require(supervised.own(made.externalID)).0
            let process: Int32 = try #require(folder.state()?.process)
            let supervisor: Int32 = try #require(supervisorProcess(folder))
            kill(supervisor, SIGKILL)
            let seen: RuntimeContainer = try await eventually("the end") {
                let seen: RuntimeContainer? = try await runtime.inspect(uuid: "lost-1")
                return seen?.phase == .exited ? seen : nil
            }
            #expect(seen.exitCode == 137)
            #expect(seen.message?.contains("supervisor") == true)
            _ = try await eventually("its process to be gone") { kill(process, 0) == 0 ? nil : true }
            #expect(try await runtime.start(made.externalID).phase == .running)
            #expect(try await runtime.inventory().count == 1)
        }
    }

    @Test(arguments: RuntimeUnderTest.supervised)
    func `what a crash leaves half made is cleared away or taken over`(kind: RuntimeUnderTest) async throws {
        try await kind.runAgain { again in
            let first: any ContainerRuntime = try await again()
            let options: SupervisedOptions = try #require(first as? SupervisedRuntime).options
            // At each step of making a container: its folder, its files, its place.
            try FolderTree.make("\(options.folder)/unfinished/half-1.7/upper")
            try StateFile(path: "\(options.folder)/unfinished/half-1.7/config.json").write([0x7B])
            try FolderTree.make("\(options.folder)/images/tmp/9/unpacked")
            let second: any ContainerRuntime = try await again()
            #expect(FolderTree.names(in: "\(options.folder)/unfinished").isEmpty)
            #expect(FolderTree.names(in: "\(options.folder)/images/tmp").isEmpty)
            #expect(try await second.inventory().isEmpty)
            let made = try await second.create(spec("half-1", image: kind.image))
            // Two agents' worth of attempts make one container.
            async let one = first.create(spec("half-2", image: kind.image))
            async let other = second.create(spec("half-2", image: kind.image))
            #expect(try await one == other)
            #expect(try await second.start(made.externalID).phase == .running)
            #expect(try await second.inventory().count == 2)
            #expect(FolderTree.names(in: "\(options.folder)/unfinished").isEmpty)
        }
    }

    @Test(arguments: RuntimeUnderTest.supervised)
    func `a container of another host in the same folder is neither seen nor touched`(
        kind: RuntimeUnderTest
    ) async throws {
        try await kind.run { runtime in
            let options: SupervisedOptions = try #require(runtime as? SupervisedRuntime).options
            let made = try await runtime.create(spec("mine-1", image: kind.image))
            let folder = ContainerFolder(path: "\(options.folder)/containers/\(made.externalID)")
            var plan: ContainerPlan = try #require(folder.plan())
            plan.hostUUID = "another"
            try folder.planFile.write(JSONWriter.bytes(plan.json))
            #expect(try await runtime.inventory().isEmpty)
            try await runtime.remove(made.externalID)
            #expect(try await runtime.stop(made.externalID) == nil)
            #expect(folder.plan() == plan)
        }
    }

    @Test(arguments: RuntimeUnderTest.supervised)
    func `all that a container started ends with it`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            let mark: String = "\(90_000 + Int.random(in: 0..<9_000))"
            let made = try await runtime.create(
                spec(
                    "brood-1",
                    image: kind.image,
                    command: ["sh", "-c", "sh -c 'sh -c \"sleep \(mark) &\" &'; sleep 0.2; exit 1"]
                )
            )
            _ = try await runtime.start(made.externalID)
            _ = try await eventually("its end") {
                try await runtime.inspect(uuid: "brood-1")?.phase == .exited ? true : nil
            }
            #expect(try ShimProcess.run("pgrep", ["-f", "^sleep \(mark)"]).code == 1)
        }
    }

    @Test func `the output's files stay within their bounds, and a line that is too long comes in pieces`() async throws
    {
        try await Files.with { path in
            let folder = ContainerFolder(path: "\(path)/containers/x")
            try FolderTree.make(folder.path)
            let log = OutputLog(folder)
            let line: [UInt8] = Array(repeating: UInt8(ascii: "x"), count: 20_000) + [0x0A]
            for _ in 0..<1_200 { log.add(.stdout, line[...]) }
            log.add(.stderr, Array("end".utf8)[...])
            log.finish()
            for file in [folder.logPath, folder.olderLogPath] {
                var status = stat()
                #expect(stat(file, &status) == 0)
                #expect(status.st_size <= 8 * 1024 * 1024)
            }
            let source = try OutputReader(folder, LogOptions(follow: false, lines: 3), try FolderWatch())
            var pieces: [LogPiece] = []
            while let piece: LogPiece = try await source.next() { pieces.append(piece) }
            #expect(pieces.map(\.bytes.count) == [16 * 1024, 20_001 - 16 * 1024, 3])
            #expect(pieces.last == LogPiece(kind: .stderr, bytes: Array("end".utf8)))
        }
    }

    @Test func `a log that is exchanged while it is followed is read on`() async throws {
        try await Files.with { path in
            let folder = ContainerFolder(path: "\(path)/containers/x")
            try FolderTree.make(folder.path)
            let lock: ContainerLock = try #require(folder.lock())
            #expect(lock.sign())
            try folder.stateFile.write(
                JSONWriter.bytes(
                    ContainerState(phase: .running, process: 1, startedAt: "", address: nil, message: nil).json
                )
            )
            let log = OutputLog(folder)
            let source = try OutputReader(folder, LogOptions(follow: true), try FolderWatch())
            log.add(.stdout, Array("first\n".utf8)[...])
            #expect(try await source.next()?.bytes == Array("first\n".utf8))
            rename(folder.logPath, folder.olderLogPath)
            OutputLog(folder).add(.stdout, Array("second\n".utf8)[...])
            #expect(try await source.next()?.bytes == Array("second\n".utf8))
            source.close()
            #expect(try await source.next() == nil)
            lock.release()
        }
    }

    @Test(arguments: [
        ("SIGTERM", 15), ("term", 15), ("9", 9), ("SIGRTMIN+3", 37), ("RTMAX-1", 63), ("SIGRTMIN", 34),
    ])
    func `signals have names and numbers`(text: String, number: Int32) {
        #expect(SignalName.number(text) == number)
    }

    @Test(arguments: ["", "0", "65", "SIGNONE", "RTMIN+99", "-1"])
    func `what is no signal is none`(text: String) {
        #expect(SignalName.number(text) == nil)
    }

    @Test(arguments: [
        "runInit", "securityOpt", "volumeDriver", "networkIds",
    ])
    func `a wish that would change what runs is refused, not left out`(member: String) async throws {
        for kind in RuntimeUnderTest.supervised {
            try await kind.run { runtime in
                do {
                    _ = try await runtime.create(
                        spec("wish-1", image: kind.image, more: [member: member == "runInit" ? true : ["x"]])
                    )
                    Issue.record("it was made")
                } catch let failure as OperationFailure {
                    #expect(failure.message.contains("'\(member)'"), "\(failure.message)")
                }
                #expect(try await runtime.inventory().isEmpty)
            }
        }
    }

    private func supervisorProcess(_ folder: ContainerFolder) -> Int32? {
        guard let bytes: [UInt8] = try? StateFile(path: folder.lockPath).read() else { return nil }
        return Int32(String(decoding: bytes, as: UTF8.self).filter(\.isNumber))
    }
}
