import JSON
import TestSupport
import Testing

@testable import CLI

@Suite(.timeLimit(.minutes(1))) struct HostDutyTests {
    private func withHosts(_ body: (FakeServer) async throws -> Void) async throws {
        try await FakeServer.run { server in
            for number in 1...2 {
                server.add([
                    "id": .string("1h\(number)"), "type": "host", "hostname": .string("h\(number)"), "state": "active",
                    "instanceIds": ["1i1", "1i2"],
                ])
            }
            try await body(server)
        }
    }

    @Test func `an evacuation waits until the host is empty`() async throws {
        try await withHosts { server in
            async let running: Ended = drover("hosts", "evacuate", "h1", server: server)
            #expect(await eventually { server.resource("1h1")?["state"] == "inactive" })
            #expect(server.writes == ["POST /v2-beta/projects/1a5/hosts/1h1/"])
            await server.change("1h1") { $0["instanceIds"] = ["1i2"] }
            await server.change("1h1") { $0["instanceIds"] = [] }
            let ended: Ended = await running
            #expect(ended.code == 0 && ended.error.contains("h1: inactive, 2 containers"), "\(ended)")
            #expect(ended.error.hasSuffix("h1: inactive, 0 containers\n"), "\(ended)")
            #expect(server.resource("1h2")?["state"] == "active")
            // Said again, it has nothing to do.
            #expect(await drover("hosts", "evacuate", "h1", server: server).code == 0)
            #expect(server.writes.count == 1)
        }
    }

    @Test func `who does not wait is told where it stands`() async throws {
        try await withHosts { server in
            let ended: Ended = await drover("hosts", "evacuate", "--detach", "h1", "1h2", server: server)
            #expect(ended.code == 0 && ended.error.contains("h2: inactive, 2 containers"), "\(ended)")
            #expect(server.writes.count == 2)
        }
    }

    @Test func `a host is taken out of use and into it again, with what it has`() async throws {
        try await withHosts { server in
            #expect(await drover("hosts", "deactivate", "h1", server: server).code == 0)
            #expect(server.resource("1h1")?["state"] == "inactive")
            #expect(server.resource("1h1")?["instanceIds"]?.array?.count == 2)
            #expect(await drover("hosts", "activate", "h1", server: server).code == 0)
            #expect(server.resource("1h1")?["state"] == "active")
        }
    }

    @Test func `nothing is done when one of the hosts is not found`() async throws {
        try await withHosts { server in
            let ended: Ended = await drover("hosts", "evacuate", "h1", "h3", server: server)
            #expect(ended.code == 1 && ended.error.contains("there is no host 'h3'"), "\(ended)")
            #expect(server.writes.isEmpty)
            #expect(await drover("hosts", "evacuate", server: server).code == 2)
        }
    }
}
