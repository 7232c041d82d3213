import HTTP
import JSON
import Model
import Testing

@testable import Gateway

@Suite struct SettingEffectTests {
    @Test func `settings of the contract are there with their defaults`() async {
        let world = World()
        let answer: Answer = await world.get("/v2-beta/settings")
        let defaults: [(String, String)] = [
            ("api.auth.jwt.token.expiry", "57600000"), ("service_log.purge.after.seconds", "86400"),
            ("audit_log.purge.after.seconds", "2592000"), ("process_instance.purge.after.seconds", "3600"),
            ("ui.pl", "rancher"),
            ("upgrade.manager", "mandatory"), ("project.template.default.name", "Cattle"),
            ("lb.instance.image", "rancher/lb-service-haproxy:v0.9.14"),
            ("api.auth.provider.configured", "none"), ("access.log", "/dev/null"),
            ("project.set.member.roles", "owner"),
            ("host.remove.delay.seconds", "-1"), ("newest.docker.version", "v19.03.2"), ("secrets.backend", "localkey"),
        ]
        for (name, value) in defaults {
            let found: JSONValue? = answer.data.first { $0["name"] == .string(name) }
            #expect(
                found?["value"] == .string(value) && found?["source"] == "Default" && found?["inDb"] == false,
                "\(name)"
            )
        }
        // A default that its own check refuses could be stored by nobody.
        for definition in SettingCatalogue.all {
            #expect(definition.fault(of: definition.defaultValue) == nil, "\(definition.name)")
        }
    }

    @Test(arguments: [
        ("api.auth.jwt.token.expiry", "soon"), ("api.auth.jwt.token.expiry", "-5"), ("project.create.default", "yes"),
        ("catalog.url", "{"), ("api.auth.local.access.mode", "open"), ("ui.pl", "a;b"), ("settings.public", "a\nb"),
        ("cluster.default.port", "70000"),
    ]) func `values are checked`(_ name: String, _ value: String) async {
        let answer: Answer = await World().put("/v2-beta/settings/\(name)", ["value": .string(value)])
        #expect(
            answer.status == 422 && answer.field == "value" && answer["message"]?.string?.hasPrefix(name) == true,
            "\(answer)"
        )
    }

    @Test func `which settings everybody reads is a setting`() async {
        let world = World()
        #expect(await world.get("/v2-beta/settings/ui.show.system", as: .bob).status == 200)
        #expect(await world.get("/v2-beta/settings/ui.pl", as: .bob).status == 404)
        for value in ["false", "False", "0"] {
            let list: Answer = await world.get("/v2-beta/settings?all=\(value)")
            #expect(Set(list.names) == Set(SettingCatalogue.publicNames), "\(value)")
            #expect(list["pagination"]?["next"] == .null && list["pagination"]?["partial"] == false)
        }
        _ = await world.put("/v2-beta/settings/settings.public", ["value": "ui.pl, my.own"])
        _ = await world.post("/v2-beta/settings", ["name": "my.own", "value": "1"])
        #expect(await world.get("/v2-beta/settings", as: .bob).names == ["my.own", "ui.pl"])
        #expect(await world.get("/v2-beta/settings/ui.show.system", as: .bob).status == 404)
        #expect(await world.get("/v2-beta/settings").names.count > 80)
    }

    @Test func `passwords of directories are never shown`() async {
        let world = World()
        let name: String = "api.auth.ldap.service.account.password"
        let put: Answer = await world.put("/v2-beta/settings/\(name)", ["value": "S3CRET"])
        #expect(put.status == 200 && put["value"] == "" && put["inDb"] == true, "\(put)")
        #expect(!(await world.get("/v2-beta/settings/\(name)")).text.contains("S3CRET"))
        #expect(!(await world.get("/v2-beta/auditlogs")).text.contains("S3CRET"))
    }

    @Test func `cookies of the user interface are set when they are missing or differ`() async {
        let world = World()
        func cookies(_ sent: String?) async -> [String] {
            let headers: HTTPHeaders = sent.map { ["Cookie": $0] } ?? [:]
            return await world.get("/v2-beta", as: .ann, headers: headers).headers.all("set-cookie").filter {
                $0.hasPrefix("PL=") || $0.hasPrefix("LANG=")
            }
        }
        #expect(await cookies(nil) == ["PL=rancher; Path=/"])
        #expect(await cookies("a=b; PL=rancher") == [])
        #expect(await cookies("PL=other") == ["PL=rancher; Path=/"])
        _ = await world.put("/v2-beta/settings/ui.pl", ["value": "drover"])
        _ = await world.put("/v2-beta/settings/localization", ["value": "de-de"])
        #expect(await cookies("PL=rancher") == ["PL=drover; Path=/", "LANG=de-de; Path=/"])
        #expect(await cookies("LANG=de-de; PL=drover") == [])
    }

    @Test func `pages of origins that are named may call, others may not`() async {
        let world = World()
        let ask: HTTPHeaders = ["Origin": "https://ui.example", "Access-Control-Request-Method": "POST"]
        #expect(await world.send("OPTIONS", "/v2-beta/projects", as: .nobody, headers: ask).status != 204)
        _ = await world.put("/v2-beta/settings/api.cors.origins", ["value": "https://ui.example, https://two.example"])
        let preflight: Answer = await world.send("OPTIONS", "/v2-beta/projects", as: .nobody, headers: ask)
        #expect(preflight.status == 204 && preflight.headers["access-control-allow-origin"] == "https://ui.example")
        #expect(
            preflight.headers["access-control-allow-credentials"] == "true" && preflight.headers["vary"] == "Origin"
        )
        let other: HTTPHeaders = ["Origin": "https://evil.example", "Access-Control-Request-Method": "POST"]
        #expect(
            await world.send("OPTIONS", "/v2-beta/projects", as: .nobody, headers: other).headers[
                "access-control-allow-origin"
            ] == nil
        )
        func create(_ origin: String, _ name: String) async -> Answer {
            await world.send(
                "POST",
                "\(World.home)/stacks",
                as: .ann,
                headers: ["Origin": origin, "Sec-Fetch-Site": "cross-site"],
                body: Array(#"{"name":"\#(name)"}"#.utf8)
            )
        }
        #expect(await create("https://ui.example", "a").status == 201)
        #expect(await create("https://evil.example", "b").status == 403)
        // A star lets pages read what they have a key for, and change nothing.
        _ = await world.put("/v2-beta/settings/api.cors.origins", ["value": "*"])
        let read: Answer = await world.get("/v2-beta/projects", as: .ann, headers: ["Origin": "https://evil.example"])
        #expect(
            read.headers["access-control-allow-origin"] == "*"
                && read.headers["access-control-allow-credentials"] == nil
        )
        #expect(await create("https://evil.example", "b").status == 403)
    }

    @Test func `plain text is sent to https where that is wanted`() async {
        let world = World()
        _ = await world.put("/v2-beta/settings/api.https.redirect", ["value": "true"])
        let sent: Answer = await world.send("POST", "/v2-beta/projects?x=%2f", as: .ann, body: Array("{}".utf8))
        #expect(sent.status == 308 && sent.headers["location"] == "https://drover.test/v2-beta/projects?x=%2f")
        // A proxy before it has taken the TLS off.
        let proxied: Answer = await world.get("/v2-beta/projects", as: .ann, headers: ["X-Forwarded-Proto": "https"])
        #expect(proxied.status == 200)
        _ = await world.send(
            "PUT",
            "/v2-beta/settings/api.host",
            headers: ["X-Forwarded-Proto": "https"],
            body: Array(#"{"value":"https://api.example:8443"}"#.utf8)
        )
        #expect(
            await world.get("/v2-beta/projects", as: .ann).headers["location"]
                == "https://api.example:8443/v2-beta/projects"
        )
    }

    @Test(arguments: [
        ("API_HOST", "api.host"), ("SERVICE_LOG_PURGE_AFTER_SECONDS", "service_log.purge.after.seconds"),
        ("MY_OWN_THING", "my.own.thing"), ("MAIN_TABLES_PURGE_AFTER_SECONDS", "main_tables.purge.after.seconds"),
        ("CLEANUP_QUERY_LIMIT_ROWS", "cleanup.query_limit.rows"),
    ]) func `a variable names one setting`(_ variable: String, _ name: String) {
        #expect(SettingValue.name(ofVariable: variable) == name)
    }
}
