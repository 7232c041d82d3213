import HTTP
import JSON
import Model
import Store
import StoreFormat
import Testing

@Suite struct SettingTests {
    @Test func `listing shows what is stored and what is the default`() async {
        let world = World(settings: [("api.host", "http://a.example"), ("my.own", "1")])
        for type in ["settings", "activeSettings"] {
            let answer: Answer = await world.get("/v2-beta/\(type)")
            #expect(answer["resourceType"] == "activeSetting")
            #expect(answer.names == answer.names.sorted())
            #expect(answer.names.contains("api.security.enabled") && answer.names.contains("my.own"))
            let host: JSONValue? = answer.data.first { $0["name"] == "api.host" }
            #expect(host?["value"] == "http://a.example" && host?["activeValue"] == "http://a.example")
            #expect(host?["source"] == "Database" && host?["inDb"] == true)
            #expect(host?["type"] == "activeSetting" && host?["baseType"] == "setting" && host?["id"] == "api.host")
            #expect(host?["links"] == ["self": "http://drover.test:8080/v2-beta/settings/api.host"])
            let period: JSONValue? = answer.data.first { $0["name"] == "registration.token.period.millis" }
            #expect(period?["source"] == "Default" && period?["inDb"] == false && period?["value"] == "315360000000")
        }
        #expect(await world.get("/v2-beta/settings?name=my.own").names == ["my.own"])
        #expect(await world.get("/v2-beta/settings/no.such").status == 404)
        #expect(await world.get("/v2-beta/settings/My.own").status == 404)
    }

    static let filtered: [(String, [String])] = [
        ("name=MY.OWN", ["my.own"]),
        ("id=my.own", ["my.own"]),
        ("id_like=my.%25", ["my.own", "my.password"]),
        ("name_prefix=my.", ["my.own", "my.password"]),
        ("name_like=my.%25&name_ne=my.own", ["my.password"]),
        ("name=my.own&name=my.password", []),
        ("name_prefix=my.&value=1", ["my.own"]),
        ("name_prefix=my.&nonsense=1&name_between=2", ["my.own", "my.password"]),
        ("inDb=true", ["api.host", "my.own", "my.password"]),
        ("source=database&name_notlike=my.%25", ["api.host"]),
        ("inDb=1&sort=value&order=desc", ["my.password", "api.host", "my.own"]),
        ("inDb=1&sort=source&order=desc", ["my.password", "my.own", "api.host"]),
        ("inDb=1&sort=id&order=desc&limit=2", ["my.password", "my.own"]),
        ("inDb=1&limit=2&marker=m2", ["my.password"]),
        // Blank for everybody, so nobody may try its value out.
        ("value=ldap-secret", []),
    ]

    @Test(arguments: filtered)
    func `settings are filtered, sorted and paged like everything else`(query: String, names: [String]) async {
        let world = World(settings: [
            ("api.host", "http://a.example"), ("my.own", "1"), ("my.password", "x"),
        ])
        _ = await world.post(
            "/v2-beta/settings",
            ["name": "api.auth.ldap.service.account.password", "value": "ldap-secret"]
        )
        let answer: Answer = await world.get(
            "/v2-beta/settings?\(query)&name_ne=api.auth.ldap.service.account.password"
        )
        #expect(answer.status == 200)
        #expect(answer.names == names)
        for link in answer.data.compactMap({ $0["links"]?["self"]?.string }) {
            #expect(link.hasPrefix("http://drover.test:8080/v2-beta/settings/"))
        }
    }

    @Test func `the list of settings is whole unless it is asked for in pages`() async {
        let world = World()
        let all: Answer = await world.get("/v2-beta/settings")
        #expect(all["pagination"]?["partial"] == false && all["pagination"]?["total"] == JSONValue(all.data.count))
        #expect(all.data.count >= SettingCatalogue.all.count)
        #expect(all["filters"]?["name"] == .null && all["sortLinks"]?["name"] != nil)
        let page: Answer = await world.get("/v2-beta/settings?limit=3")
        #expect(page.names == Array(all.names.prefix(3)) && page["pagination"]?["partial"] == true)
        let next: String? = page["pagination"]?["next"]?.string
        #expect(next == "http://drover.test:8080/v2-beta/settings?limit=3&marker=m3")
        // Who sees the public ones only learns of no other, by no filter.
        let some: [String] = await world.get("/v2-beta/settings", as: .bob).names
        #expect(await world.get("/v2-beta/settings?inDb=false", as: .bob).names == some)
        #expect(await world.get("/v2-beta/settings?name=api.auth.realm", as: .bob).names.isEmpty)
        #expect(
            await world.get("/v2-beta/settings?all=false&name_prefix=api.").names
                == some.filter { $0.hasPrefix("api.") }
        )
    }

    @Test func `POST and PUT store, DELETE goes back to the default`() async {
        let world = World()
        let made: Answer = await world.post("/v2-beta/settings", ["name": "my.own", "value": 5])
        #expect(made.status == 201)
        #expect(made["value"] == "5")
        #expect(await world.post("/v2-beta/settings", ["name": "my.own", "value": "6"])["value"] == "6")
        #expect(await world.put("/v2-beta/settings/my.own", ["value": "7"])["value"] == "7")
        let count: Int = world.node.changes.count
        #expect(await world.put("/v2-beta/settings/my.own", ["value": "7"]).status == 200)
        #expect(world.node.changes.count == count)
        #expect(await world.put("/v2-beta/settings/api.host", ["value": "https://b.example/"])["inDb"] == true)
        let reverted: Answer = await world.delete("/v2-beta/settings/api.host")
        #expect(reverted.status == 200)
        #expect(reverted["value"] == "" && reverted["inDb"] == false)
        #expect(await world.delete("/v2-beta/settings/no.such").status == 404)
    }

    @Test func `a value that others delete or change at once is answered as it was stored`() async {
        let world = World()
        let node: MemoryNode = world.node
        let key: [UInt8] = Array("setting/my.own".utf8)
        node.afterNext {
            if let made = node.store.view.holder(key) { node.write([.delete(made.table, .known(made.number))]) }
        }
        let made: Answer = await world.post("/v2-beta/settings", ["name": "my.own", "value": "1"])
        #expect(made.status == 201 && made["value"] == "1" && made["inDb"] == true, "\(made)")
        #expect(await world.get("/v2-beta/settings/my.own").status == 404)
        node.afterNext {
            if let made = node.store.view.holder(key) { node.write([.delete(made.table, .known(made.number))]) }
        }
        let put: Answer = await world.put("/v2-beta/settings/my.own", ["value": "2"])
        #expect(put.status == 200 && put["value"] == "2", "\(put)")
    }

    static let refused: [(String, JSONValue, String, String)] = [
        ("my.own", [:], "MissingRequired", "value"),
        ("my.own", ["value": ["a": 1]], "InvalidFormat", "value"),
        ("my.own", ["value": .string(String(repeating: "x", count: 65_537))], "MaxLengthExceeded", "value"),
        ("Own", ["value": "1"], "InvalidCharacters", "name"),
        ("my%0d%0aown", ["value": "1"], "InvalidCharacters", "name"),
        ("my own", ["value": "1"], "InvalidCharacters", "name"),
        (String(repeating: "a", count: 256), ["value": "1"], "MaxLengthExceeded", "name"),
        ("api.security.enabled", ["value": "maybe"], "InvalidFormat", "value"),
        ("api.security.enabled", ["value": nil], "InvalidFormat", "value"),
        ("registration.token.period.millis", ["value": "soon"], "InvalidFormat", "value"),
        ("registration.token.period.millis", ["value": "-1"], "InvalidFormat", "value"),
        ("api.host", ["value": "http://a\"; rm -rf /"], "InvalidFormat", "value"),
        ("api.host", ["value": "a.example"], "InvalidFormat", "value"),
    ]

    @Test(arguments: refused)
    func `a value that makes no sense is 422`(name: String, value: JSONValue, code: String, field: String) async {
        let answer: Answer = await World().put("/v2-beta/settings/\(name.replacing(" ", with: "%20"))", value)
        #expect(answer.status == 422, "\(answer)")
        #expect(answer.code == code)
        #expect(answer.field == field)
    }

    @Test func `the version that clients are told is a setting`() async {
        let world = World(settings: [("rancher.server.version", "v9\r\nX: 1")])
        #expect(await world.get("/v2-beta").headers["x-rancher-version"] == "v9X: 1")
    }
}
