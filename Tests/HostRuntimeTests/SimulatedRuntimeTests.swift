import Glibc
import HostAgentCore
import HostProtocol
import TestSupport
import Testing

@testable import HostRuntime

struct SimulatedRuntimeTests {
    private let folder = Folder()

    @Test func `containers outlive the runtime in its file`() async throws {
        let path: String = "\(folder.path)/simulated.json"
        let first = try SimulatedRuntime(address: "127.0.0.1", path: path)
        let made = try await first.create(spec("a", image: "docker:x", ports: ["80:80"]))
        let started = try await first.start(made.externalID)
        let second = try SimulatedRuntime(address: "127.0.0.1", path: path)
        #expect(try await second.inventory() == [started])
        // Also the ports are still taken.
        let other = try await second.create(spec("b", image: "docker:x", ports: ["80:81"]))
        await #expect(throws: OperationFailure.self) { try await second.start(other.externalID) }
        #expect(other.externalID != made.externalID)
    }

    @Test func `a file that is not one is refused by name`() throws {
        let path: String = "\(folder.path)/simulated.json"
        try StateFile(path: path).write(Array("{".utf8))
        #expect(throws: OperationFailure.self) { try SimulatedRuntime(address: "127.0.0.1", path: path) }
    }

    @Test(arguments: ["fail-create", "fail-start"])
    func `images fail where their names say`(word: String) async throws {
        let runtime = try SimulatedRuntime(address: "127.0.0.1")
        let spec: InstanceSpec = spec("a", image: "docker:x/\(word):1")
        try await runtime.pull(spec)
        await #expect(throws: OperationFailure.self) {
            let made = try await runtime.create(spec)
            _ = try await runtime.start(made.externalID)
        }
        #expect(try await runtime.inventory().isEmpty == (word == "fail-create"))
    }
}
