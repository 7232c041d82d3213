import Glibc
import JSON
import Synchronization
import TestSupport
import Testing

@testable import CLI

@Suite(.timeLimit(.minutes(1))) struct RoleCommandTests {
    private static let home: String = "/v2-beta/projects/1a5"

    private static func can(_ server: FakeServer, _ answers: [String: JSONObject]) {
        server.state.withLock { $0.canned = answers }
    }

    private static func body(_ server: FakeServer, _ request: String) -> JSONValue? {
        server.state.withLock { $0.bodies[request] }
    }

    @Test func `can-i says yes or no, and why`() async throws {
        try await FakeServer.run { server in
            let request: String = "POST \(Self.home)/accessreviews"
            Self.can(
                server,
                [
                    request: [
                        "allowed": true, "binding": "member in environment 1a5", "rule": "allow * on service",
                        "reason": "x", "nearest": [],
                    ]
                ]
            )
            let yes: Ended = await drover("can-i", "update", "service/1s7", "--explain", server: server)
            #expect(yes.code == 0, "\(yes)")
            #expect(yes.out == "yes\nbinding: member in environment 1a5\nrule:    allow * on service\n", "\(yes.out)")
            #expect(
                Self.body(server, request) == ["verb": "update", "resourceType": "service", "resourceId": "1s7"]
            )
            Self.can(
                server,
                [
                    request: [
                        "allowed": false, "binding": nil, "rule": nil,
                        "reason": "denied: no rule allows it; nearest: y",
                        "nearest": [["binding": "b", "rule": "r", "lack": "verb", "remedy": "ask for it"]],
                    ]
                ]
            )
            let no: Ended = await drover("can-i", "delete", "host", "--as", "key:1c9", "--explain", server: server)
            #expect(no.code == 1)
            #expect(
                no.out == "no\ndenied: no rule allows it\nnearest: b: r\n         lacks the verb: ask for it\n",
                "\(no.out)"
            )
            #expect(
                Self.body(server, request) == ["verb": "delete", "resourceType": "host", "subject": "key:1c9"]
            )
            let short: Ended = await drover("can-i", "delete", "host", server: server)
            #expect(short.code == 1 && short.out == "no\n")
            let usage: Ended = await drover("can-i", "delete", server: server)
            #expect(usage.code == 2)
        }
    }

    @Test func `a question at the root goes there`() async throws {
        try await FakeServer.run { server in
            Self.can(server, ["POST /v2-beta/accessreviews": ["allowed": true, "nearest": []]])
            let ended: Ended = await drover("can-i", "get", "setting", "--root", "--output", "json", server: server)
            #expect(ended.code == 0 && ended.out.contains("\"allowed\": true"), "\(ended)")
        }
    }

    @Test func `roles are made of files, compared, given and taken`() async throws {
        let folder = Folder()
        defer { withExtendedLifetime(folder) {} }
        let file: String = "\(folder.path)/rules.yaml"
        try TextFile.replacePrivately(
            file,
            with:
                "- verbs: [list, get]\n  resourceTypes: [stack]\n  selector: name=web*\n  constraints: {privileged: false}\n"
        )
        try await FakeServer.run { server in
            let role: JSONObject = [
                "id": "1ar7", "type": "accessRole", "name": "keepers", "state": "active",
                "rules": [["verbs": ["get"], "resourceTypes": ["stack"], "selector": "name=a*"]],
            ]
            let binding: JSONObject = [
                "id": "1arb8", "accessRoleId": "1ar7", "scopeType": "environment", "scopeId": "1a5",
                "subjects": [["externalIdType": "rancher_id", "externalId": "1a9"], ["credentialId": "1c3"]],
            ]
            Self.can(
                server,
                [
                    "POST \(Self.home)/accessroles": role,
                    "GET \(Self.home)/accessroles": ["data": [.object(role)]],
                    "GET \(Self.home)/accessrolebindings": ["data": [.object(binding)]],
                    "PUT \(Self.home)/accessroles/1ar7": [
                        "gains": [
                            [
                                "subject": "1a9", "scope": "environment 1a5", "verb": "list", "resourceType": "stack",
                                "before": "none", "after": "all",
                            ]
                        ], "losses": [], "truncated": false,
                    ], "POST \(Self.home)/accessrolebindings": binding,
                    "DELETE \(Self.home)/accessrolebindings/1arb8": binding,
                ]
            )
            let made: Ended = await drover("role", "create", "keepers", "-f", file, server: server)
            #expect(made.code == 0 && made.out == "made the role keepers (1ar7)\n", "\(made)")
            #expect(
                Self.body(server, "POST \(Self.home)/accessroles")?["rules"] == [
                    [
                        "verbs": ["list", "get"], "resourceTypes": ["stack"], "selector": "name=web*",
                        "constraints": ["privileged": false],
                    ]
                ]
            )
            let list: Ended = await drover("role", server: server)
            #expect(list.out.contains("1ar7  keepers  active  1      1a9, key:1c3"), "\(list)")
            let shown: Ended = await drover("role", "show", "keepers", server: server)
            #expect(shown.out.contains("  allow get on stack where name=a*\n"), "\(shown)")
            #expect(shown.out.contains("1arb8: 1a9, key:1c3 in environment 1a5\n"))
            let diff: Ended = await drover("role", "diff", "keepers", "-f", file, server: server)
            #expect(
                diff.code == 0 && diff.out.contains("+  1a9      environment 1a5  list  stack  none    all"),
                "\(diff)"
            )
            #expect(server.requests.last == "PUT \(Self.home)/accessroles/1ar7")
            let given: Ended = await drover(
                "role",
                "bind",
                "keepers",
                "1a9",
                "team:a",
                "--stack",
                "1st4",
                server: server
            )
            #expect(given.code == 0 && given.out == "gave the role keepers (1arb8)\n", "\(given)")
            #expect(
                Self.body(server, "POST \(Self.home)/accessrolebindings") == [
                    "accessRoleId": "1ar7",
                    "subjects": [
                        ["externalIdType": "rancher_id", "externalId": "1a9"],
                        ["externalIdType": "team", "externalId": "a"],
                    ], "scopeType": "stack", "scopeId": "1st4",
                ]
            )
            let taken: Ended = await drover("role", "unbind", "1arb8", server: server)
            #expect(taken.code == 0 && taken.out == "took the binding 1arb8 away\n")
            let none: Ended = await drover("role", "show", "nobody", server: server)
            #expect(none.code == 1 && none.error.contains("no role 'nobody'"), "\(none)")
        }
    }
}
