import Glibc
import JSON
import Synchronization
import Testing

@testable import CLI

@Suite(.timeLimit(.minutes(1))) struct EnvironmentCommandTests {
    @Test func `an environment is made, chosen, used from then on, and removed`() async throws {
        try await FakeServer.run { server in
            try await withHome { home in
                let made: Ended = await drover("env", "create", "work", server: server, environment: home)
                #expect(made.code == 0 && made.out.hasPrefix("created the environment work (1a41)"))
                let before: Ended = await drover("env", "ls", server: server, environment: home)
                #expect(before.out.contains("*        1a5   Default"), "\(before.out)")
                let used: Ended = await drover("env", "use", "work", server: server, environment: home)
                #expect(used.code == 0 && used.error.contains("saved in the context 'work'"), "\(used)")
                // The saved context is enough now: no address and no key are given.
                let after: Ended = await drover("env", environment: home)
                #expect(after.out.contains("*        1a41  work"), "\(after)")
                let again: Ended = await drover("env", "use", "1a5", environment: home)
                #expect(again.error.contains("in the context 'work'"), "the context in use is changed, not doubled")
                let gone: Ended = await drover("env", "rm", "work", environment: home)
                #expect(gone.code == 0 && gone.out == "removing the environment work (1a41)\n", "\(gone)")
                #expect(
                    server.writes.suffix(2) == ["POST /v2-beta/projects/1a41/", "DELETE /v2-beta/projects/1a41"],
                    "\(server.writes)"
                )
            }
        }
    }

    @Test func `one that is in use is removed only by force`() async throws {
        try await FakeServer.run { server in
            server.add(["id": "1st8", "type": "stack", "name": "shop", "state": "active"])
            let refused: Ended = await drover("env", "rm", "Default", server: server)
            #expect(refused.code == 1 && refused.error.contains("still has 1 stack (shop); nothing was removed"))
            #expect(server.writes.isEmpty)
            let forced: Ended = await drover("env", "rm", "--force", "Default", server: server)
            #expect(forced.code == 0 && server.writes.count == 2)
        }
    }

    @Test func `a name that is none is an error with a hint`() async throws {
        try await FakeServer.run { server in
            for verb in ["use", "rm"] {
                let ended: Ended = await drover("env", verb, "Defualt", server: server)
                #expect(ended.code == 1 && ended.error.contains("'Default'"), "\(ended)")
            }
            #expect(await drover("env", "use", server: server).code == 2)
            #expect(await drover("env", "nonsense", server: server).code == 2)
        }
    }
}
