import Glibc
import Testing

@testable import CLI

@Suite(.timeLimit(.minutes(1))) struct LoginCommandTests {
    @Test func `a login is kept without the password, used from then on, and ended`() async throws {
        try await FakeServer.run { server in
            try await withHome { home in
                var environment: [String: String] = home
                environment["DROVER_PASSWORD"] = "ann's secret"
                let done: Ended = await drover("login", "ann", server: server, environment: environment)
                #expect(done.code == 0 && done.error.contains("as ann"), "\(done)")
                let file: String = try #require(TextFile.read("\(home["XDG_CONFIG_HOME"] ?? "")/drover/context.json"))
                #expect(file.contains("a login") && !file.contains("ann's secret"))
                #expect(mode(of: "\(home["XDG_CONFIG_HOME"] ?? "")/drover/context.json") == 0o600)
                let used: Ended = await drover("env", environment: home)
                #expect(used.code == 0 && used.out.contains("Default"), "\(used)")
                let shown: Ended = await drover("context", environment: home)
                #expect(shown.out.contains("a login") && shown.error.contains("with a login from"), "\(shown)")
                let ended: Ended = await drover("logout", environment: home)
                #expect(ended.code == 0, "\(ended)")
                #expect(
                    TextFile.read("\(home["XDG_CONFIG_HOME"] ?? "")/drover/context.json")?.contains("a login") == false
                )
                let again: Ended = await drover("logout", environment: home)
                #expect(again.code == 1 && again.error.contains("has no login"), "\(again)")
            }
        }
    }

    @Test func `what cannot be logged in with is told, and nothing is kept`() async throws {
        try await FakeServer.run { server in
            try await withHome { home in
                var environment: [String: String] = home
                environment["DROVER_PASSWORD"] = "wrong"
                let wrong: Ended = await drover("login", "ann", server: server, environment: environment)
                #expect(wrong.code == 1 && wrong.error.contains("The login or the password is wrong."), "\(wrong)")
                #expect(
                    !wrong.error.contains("wrong\n\n")
                        && TextFile.read("\(home["XDG_CONFIG_HOME"] ?? "")/drover/context.json") == nil
                )
                for name in ["a:b", ""] {
                    let usage: Ended = await drover("login", name, server: server, environment: environment)
                    #expect(usage.code != 0, "\(name): \(usage)")
                }
                #expect(await drover("login", server: server, environment: environment).code == 2)
                #expect(await drover("logout", "x", server: server, environment: environment).code == 2)
            }
        }
    }
}
