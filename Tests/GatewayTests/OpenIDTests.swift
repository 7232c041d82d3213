@testable import Gateway
import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import Testing

@Suite(.timeLimit(.minutes(2))) struct OpenIDTests {
    private static let settings = OpenIDSettings(
        issuer: "https://idp.test",
        clientID: "drover",
        clientSecret: nil,
        scopes: "openid",
        groupsClaim: "groups",
        authority: nil,
        accessMode: "unrestricted"
    )

    private static func token(_ subject: String = "person 7", groups: [String] = []) throws -> IDToken {
        let time: Int64 = World.started / 1_000
        let claims: JSONObject = [
            "iss": "https://idp.test", "aud": "drover", "sub": .string(subject), "nonce": "n", "iat": .int(time),
            "exp": .int(time + 60), "name": "Zoe", "preferred_username": "zoe",
            "groups": .array(groups.map { .string($0) }),
        ]
        return try IDToken(
            verifying: TestSigner.ec.sign(claims),
            keys: SignatureKeySet(["keys": [TestSigner.ec.published]]),
            expected: IDToken.Expected(
                issuer: "https://idp.test",
                clientID: "drover",
                nonce: "n",
                time: World.started
            )
        )
    }

    private static func login(
        _ world: World,
        _ token: IDToken,
        mode: String = "unrestricted",
        issuer: String = "https://idp.test"
    ) async throws -> String {
        var settings: OpenIDSettings = Self.settings
        settings.accessMode = mode
        settings.issuer = issuer
        var exchange: Exchange = try world.exchange()
        let vouched: Vouched = try await OpenIDAccounts.vouch(token, settings, &exchange, world.gateway)
        return try await TokenAPI.give(vouched, OpenIDConfig.provider, &exchange, world.gateway).token
    }

    private static func world(_ more: [(String, String)] = []) -> World {
        World(settings: [("api.auth.provider.configured", "openidConfig")] + more, sealing: MemorySealing())
    }

    @Test func `the first login of a person makes an account, and later ones find it`() async throws {
        let world = Self.world()
        let first: String = try await Self.login(world, try Self.token(groups: ["ops"]))
        let second: String = try await Self.login(world, try Self.token())
        let ids: [String?] = [
            await world.bearing(first, "/v2-beta/projects").headers["x-api-user-id"],
            await world.bearing(second, "/v2-beta/projects").headers["x-api-user-id"],
        ]
        #expect(ids[0] != nil && ids[0] == ids[1])
        let other: String = try await Self.login(world, try Self.token("person 8"))
        #expect(await world.bearing(other, "/v2-beta/projects").headers["x-api-user-id"] != ids[0])
        let account: Answer = await world.get("/v2-beta/accounts/\(ids[0] ?? "")")
        #expect(account["kind"] == "user" && account["name"] == "Zoe" && account["externalId"] == "person 7")
        let again: Answer = await world.post(
            "/v2-beta/accounts",
            ["name": "x", "externalId": "person 7", "externalIdType": "openid_user"]
        )
        #expect(again.code == "NotUnique" && again.field == "externalId")
    }

    @Test func `groups give membership as long as the login says so`() async throws {
        let world = Self.world()
        let with: String = try await Self.login(world, try Self.token(groups: ["ops"]))
        let without: String = try await Self.login(world, try Self.token(groups: ["other"]))
        let members: JSONValue = [
            "members": [
                ["externalId": "1a20", "externalIdType": "rancher_id", "role": "owner"],
                ["externalId": "ops", "externalIdType": "openid_group", "role": "member"],
            ]
        ]
        #expect(await world.post("/v2-beta/projects/1a5?action=setmembers", members, as: .ann).status == 200)
        #expect(await world.bearing(with, "\(World.home)/stacks").status == 200)
        #expect(await world.bearing(without, "\(World.home)/stacks").status == 403)
        let only: JSONValue = ["members": [["externalId": "1a20", "externalIdType": "rancher_id", "role": "owner"]]]
        #expect(await world.post("/v2-beta/projects/1a5?action=setmembers", only, as: .ann).status == 200)
        #expect(await world.bearing(with, "\(World.home)/stacks").status == 403)
    }

    @Test func `the same name of another provider is somebody else`() async throws {
        let world = Self.world()
        _ = try await Self.login(world, try Self.token())
        await #expect(throws: Problem.self) {
            _ = try await Self.login(world, try Self.token(), issuer: "https://other.test")
        }
    }

    @Test func `an account that is not active does not come in`() async throws {
        let world = Self.world()
        let token: String = try await Self.login(world, try Self.token())
        let id: String = try #require(await world.bearing(token, "/v2-beta/projects").headers["x-api-user-id"])
        #expect(await world.post("/v2-beta/accounts/\(id)?action=deactivate").status == 202)
        #expect(await world.bearing(token, "/v2-beta/projects").status == 401)
        await #expect(throws: Problem.self) { _ = try await Self.login(world, try Self.token()) }
    }

    @Test(
        arguments: [
            ("unrestricted", [], "", true), ("restricted", [], "", false), ("restricted", ["ops"], "", true),
            ("required", ["ops"], "", false), ("required", ["ops"], "openid_group:ops", true),
            ("required", [], "openid_user:person 7", true), ("required", [], "openid_user:person 8", false),
        ] as [(String, [String], String, Bool)]
    )
    func `access modes say who may get an account`(
        mode: String,
        groups: [String],
        allowed: String,
        comesIn: Bool
    ) async throws {
        let world = Self.world([("api.auth.allowed.identities", allowed)])
        world.node.write([
            RecordWriting.put(
                .projectMember,
                .known(400),
                [
                    "kind": "projectMember", "state": "active", "uuid": "g", "created": 1, "removed": nil,
                    "identity": "openid_group:ops", "role": "member", "projectId": 5,
                ],
                scope: .known(5)
            )
        ])
        let before: Int = await world.get("/v2-beta/accounts?limit=-1").data.count
        let token: String? = try? await Self.login(world, try Self.token(groups: groups), mode: mode)
        #expect((token != nil) == comesIn)
        let after: Int = await world.get("/v2-beta/accounts?limit=-1").data.count
        // A first environment would be an account, too.
        #expect(comesIn ? after > before : after == before)
    }

    @Test func `a provider is set up by administrators only, and must be one`() async {
        let world = Self.world()
        #expect(await world.get("/v2-beta/openidconfigs", as: .ann).status == 404)
        let target = "/v2-beta/openidconfigs"
        for (body, field) in [
            (["enabled": true], "issuer"), (["enabled": true, "issuer": "http://idp.test"], "issuer"),
            (["enabled": true, "issuer": "https://idp.test"], "clientId"),
            (["enabled": true, "issuer": "https://idp.test", "clientId": "x", "scopes": "profile"], "scopes"),
            (["enabled": true, "issuer": "https://idp.test", "clientId": "x", "authority": "no PEM"], "authority"),
            // Nobody answers there.
            (["enabled": true, "issuer": "https://127.0.0.1:9/x", "clientId": "x"], "issuer"),
        ] as [(JSONValue, String)] {
            let answer: Answer = await world.post(target, body)
            #expect(answer.status == 422 && answer.field == field, "\(answer)")
        }
        let start: Answer = await world.send("GET", "/v2-beta/openid/login", as: .nobody)
        #expect(start.status == 404 && start.code == "NoAuthProvider")
        #expect(await world.login("zoe:whatever").code == "codeInvalid")
        let mode: Answer = await world.send("GET", "/v2-beta/token", as: .nobody)
        #expect(mode.data.first?["redirectUrl"] == "http://drover.test:8080/v2-beta/openid/login")
    }

    @Test(arguments: [
        ("https://idp.test", "idp.test", 443, "/"), ("https://IDP.test:8443/a?b=c", "idp.test", 8443, "/a?b=c"),
        ("https://[2001:db8::1]/x", "2001:db8::1", 443, "/x"), ("https://10.0.0.7?q", "10.0.0.7", 443, "/?q"),
    ])
    func `addresses at a provider are read`(text: String, host: String, port: Int, target: String) throws {
        let address: OutboundAddress = try #require(ProviderCalls.address(text))
        #expect(address.host == host && address.port == port && address.target == target)
    }

    @Test(arguments: [
        "http://idp.test", "https://", "https://a@idp.test", "https://idp.test#x", "https://idp test",
        "https://idp.test:0",
        "https://idp.test:99999", "https://idp.test:", "https://2130706433", "https://0x7f.1", "https://[::1",
        "https://[x]",
        "https://idp.test\\@evil.test", "https://127.1", "HTTPS://idp.test", "https://[::1]x", "ftp://idp.test",
    ])
    func `other addresses are not`(text: String) {
        #expect(ProviderCalls.address(text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("10.1.2.3", true), ("2001:db8::1", true), ("::1", true), ("169.254.169.254", false),
        ("0.0.0.0", false), ("224.0.0.1", false), ("255.255.255.255", false), ("fe80::1", false),
        ("fe80::1%eth0", false),
        ("ff02::1", false), ("::", false), ("::ffff:169.254.169.254", false), ("100.100.100.200", false),
        ("fd00:ec2::254", false), ("", false), ("localhost", false),
    ])
    func `what answers to everybody on a link is not called`(address: String, isCalled: Bool) {
        #expect((AddressRule.refusal(of: address, allowed: []) == nil) == isCalled)
    }

    @Test(
        arguments: [
            (nil, "/"), ("/env/1a5?x=y", "/env/1a5?x=y"), ("//evil.test", "/"), ("https://evil.test", "/"),
            ("/\\evil.test", "/"),
            ("/a\r\nSet-Cookie: x", "/"), ("", "/"), ("evil", "/"),
        ] as [(String?, String)]
    )
    func `a browser ends on this server`(asked: String?, destination: String) {
        #expect(OpenIDLogin.destination(asked) == destination)
    }
}
