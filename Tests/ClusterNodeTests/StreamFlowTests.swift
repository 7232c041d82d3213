import Bytes
import EventLoop
import Gateway
import Glibc
import HostProtocol
import HTTP
import JSON
import Limits
import Testing
import WebSocket

@testable import ClusterNode

/// Output of containers and commands from a host to clients of different speeds.
@Suite(.serialized, .timeLimit(.minutes(3))) struct StreamFlowTests {
    private func container(_ rig: NodeRig) async throws -> String {
        let stack = try await rig.call("POST", "stacks", ["name": "web"])
        let service = try await rig.call(
            "POST",
            "services",
            [
                "name": "app", "stackId": stack.body["id"] ?? .null, "scale": 1, "startOnCreate": true,
                "launchConfig": ["imageUuid": "docker:hello:1"],
            ]
        )
        let id: String = try #require(service.body["id"]?.string)
        let active: JSONValue = try await rig.wait(for: "one instance", "services/\(id)") {
            $0["state"]?.string == "active" && $0["instanceIds"]?.array?.count == 1
        }
        return try #require(active["instanceIds"]?.array?.first?.string)
    }

    private func open(_ rig: NodeRig, _ container: String, _ action: String, _ input: JSONValue) async throws
        -> WebSocket
    {
        let access = try await rig.call("POST", "containers/\(container)?action=\(action)", input)
        let token: String = try #require(access.body["token"]?.string, "\(access.body)")
        let path: String = action == "logs" ? "logs" : "exec"
        return try await WebSocket.connect(
            to: await rig.endpoint,
            target: "/v1/\(path)/?token=\(token)",
            client: rig.client
        )
    }

    /// How many bytes of output come before the end; checks that they are the ones that the host sent.
    private func drain(_ socket: WebSocket) async throws -> Int {
        var count: Int = 0
        while case .text(let text)? = try await socket.receive() {
            guard text.utf8.starts(with: "01 ".utf8), PuppetOutput.matches(text, from: 3, at: count) else {
                Issue.record("not what was sent, at \(count): \(text.prefix(80))")
                break
            }
            count += text.utf8.count - 3
        }
        return count
    }

    @Test func `a reader that stops loses nothing of fifty megabytes, and nobody else waits for it`() async throws {
        let rig = try await NodeRig()
        let host: PuppetHost = try await rig.host("alpha")
        let container: String = try await container(rig)
        let size: Int = 50_000_000
        await host.prepare(outputBytes: size)
        let slow: WebSocket = try await open(rig, container, "logs", ["follow": false])
        // Whatever buffers there are on the way fill up, and then the host stops, long before its end.
        let held: Int = try await host.untilItPauses(stream: 1)
        #expect(held < size / 2, "\(held) of \(size) bytes were sent to a reader that reads nothing")
        // Meanwhile another stream of the same host comes to its end, and the host is still heard.
        await host.prepare(outputBytes: 2_000_000)
        let fast: WebSocket = try await open(rig, container, "logs", ["follow": false])
        #expect(try await drain(fast) == 2_000_000)
        #expect(try await rig.call("GET", "hosts").body["data"]?.array?.first?["agentState"]?.string == "active")
        #expect(await host.sent(stream: 1) == held)
        #expect(try await drain(slow) == size)
        await rig.stop()
    }

    @Test func `a host that knows no credit is read as before, and a reader that stops is told so`() async throws {
        let rig = try await NodeRig()
        let host: PuppetHost = try await rig.host("alpha")
        let container: String = try await container(rig)
        await host.prepare(outputBytes: 1_000_000, knowsCredit: false)
        let reader: WebSocket = try await open(rig, container, "logs", ["follow": false])
        #expect(try await drain(reader) == 1_000_000)
        await host.prepare(outputBytes: 20_000_000, knowsCredit: false)
        let slow: WebSocket = try await open(rig, container, "logs", ["follow": false])
        try await host.untilItEnds(stream: 2)
        var last: String = ""
        while case .text(let text)? = try await slow.receive() { last = text }
        #expect(last.contains("the reader is too slow for the output"), "\(last)")
        await rig.stop()
    }

    @Test func `input waits for the host's credit, and none is lost`() async throws {
        let rig = try await NodeRig()
        let host: PuppetHost = try await rig.host("alpha")
        let container: String = try await container(rig)
        let socket: WebSocket = try await open(
            rig,
            container,
            "execute",
            ["command": ["sink"], "frames": "tagged", "tty": false]
        )
        let piece: [UInt8] = PuppetOutput.bytes(at: 0, count: 32_000)
        for _ in 0..<20 { try await socket.send(text: "in \(Base64.encode(piece))") }
        try await socket.send(text: "end")
        // The host gives no credit yet.
        #expect(try await rig.call("GET", "hosts").status == 200)
        #expect(await host.inputBytes == 0)
        await host.giveInputCredit()
        var last: String = ""
        while case .text(let text)? = try await socket.receive() { last = text }
        #expect(last == "exit 0")
        #expect(await host.inputBytes == 20 * 32_000)
        await rig.stop()
    }

    @Test func `a host that goes away ends its commands with a word`() async throws {
        let rig = try await NodeRig()
        let host: PuppetHost = try await rig.host("alpha")
        let container: String = try await container(rig)
        let socket: WebSocket = try await open(rig, container, "execute", ["command": ["sink"], "frames": "tagged"])
        #expect(try await rig.call("GET", "hosts").status == 200)
        try await host.untilItRuns()
        await host.disconnect()
        var last: String = ""
        while case .text(let text)? = try await socket.receive() { last = text }
        #expect(last.hasPrefix("fail The command is lost"), "\(last)")
        await rig.stop()
    }
}

/// What a puppet's containers write: letters by their place, so that nothing can be lost, doubled or swapped unseen.
enum PuppetOutput {
    static let period: Int = 32_749
    private static let text: [UInt8] = (0..<2 * period).map { place in
        let mixed: Int = (place % period) * 2_654_435_761 >> 8
        return UInt8(ascii: "a") + UInt8(mixed % 26)
    }

    static func bytes(at place: Int, count: Int) -> [UInt8] {
        let start: Int = place % period
        return Array(text[start..<start + count])
    }

    /// Whether the text behind its first bytes is what stands at that place; compared as memory, for there is much of it.
    static func matches(_ sent: String, from start: Int, at place: Int) -> Bool {
        var sent: String = sent
        return sent.withUTF8 { bytes in
            text.withUnsafeBytes { text in
                var (done, place): (Int, Int) = (start, place)
                while done < bytes.count {
                    let count: Int = min(bytes.count - done, period)
                    guard let left = bytes.baseAddress, let right = text.baseAddress,
                        memcmp(left + done, right + place % period, count) == 0
                    else { return false }
                    done += count
                    place += count
                }
                return true
            }
        }
    }
}
