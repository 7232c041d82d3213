import HTTP
import JSON
import Model
import Store
import StoreFormat
import Testing

@Suite struct RightsTests {
    /// method, path, and the status for admin, owner, member, a member of another environment, an environment's key.
    static let matrix: [(String, String, JSONValue, [Int])] = [
        ("GET", "/v2-beta/projects/1a5", [:], [200, 200, 200, 404, 200]),
        ("GET", "/v2-beta/projects/1a30", [:], [200, 404, 404, 200, 404]),
        ("GET", "/v2-beta/projects/1a5/stacks", [:], [200, 200, 200, 403, 200]),
        ("POST", "/v2-beta/projects/1a5/stacks", ["name": "new"], [201, 201, 201, 403, 201]),
        ("GET", "/v2-beta/projects/1a5/stacks/STACK", [:], [200, 200, 200, 403, 200]),
        ("GET", "/v2-beta/projects/1a30/stacks/STACK", [:], [404, 403, 403, 404, 403]),
        ("GET", "/v2-beta/stacks/STACK", [:], [200, 404, 404, 404, 200]),
        ("GET", "/v2-beta/stacks", [:], [200, 404, 404, 404, 200]),
        ("PUT", "/v2-beta/projects/1a5", ["description": "x"], [200, 200, 403, 404, 403]),
        ("POST", "/v2-beta/projects", ["name": "mine"], [201, 201, 201, 201, 403]),
        ("GET", "/v2-beta/accounts", [:], [200, 200, 200, 200, 200]),
        ("GET", "/v2-beta/accounts/1a20", [:], [200, 200, 404, 404, 404]),
        ("GET", "/v2-beta/accounts/1a1", [:], [200, 404, 404, 404, 404]),
        ("POST", "/v2-beta/accounts", ["name": "x"], [201, 405, 405, 405, 405]),
        ("GET", "/v2-beta/apikeys/1c120", [:], [200, 200, 404, 404, 404]),
        ("GET", "/v2-beta/credentials/1c101", [:], [200, 404, 404, 404, 404]),
        ("POST", "/v2-beta/settings", ["name": "a.b", "value": "c"], [201, 405, 405, 405, 405]),
        ("PUT", "/v2-beta/settings/api.host", ["value": ""], [200, 405, 405, 405, 405]),
        ("GET", "/v2-beta/settings/api.security.enabled", [:], [200, 404, 404, 404, 404]),
        ("GET", "/v2-beta/settings/api.host", [:], [200, 200, 200, 200, 200]),
        ("POST", "/v2-beta/register", ["key": "a"], [404, 404, 404, 404, 404]),
        ("POST", "/v2-beta/hostcertificates", ["certificateRequest": "x"], [404, 404, 404, 404, 404]),
        ("GET", "/v2-beta/hoststream", [:], [403, 403, 403, 403, 403]),
        ("GET", "/v2-beta/subscribe", [:], [404, 404, 404, 404, 404]),
        ("GET", "/v2-beta/launchconfigs", [:], [404, 404, 404, 404, 404]),
        ("GET", "/v2-beta/clusterkeys", [:], [404, 404, 404, 404, 404]),
    ]

    @Test(arguments: matrix)
    func `everybody may what the role says`(method: String, path: String, body: JSONValue, statuses: [Int]) async throws
    {
        for (who, status) in zip([World.Who.admin, .ann, .bob, .eve, .project], statuses) {
            let world = World()
            let stack: String = try await world.stack("theirs", as: .ann)
            let answer: Answer = await world.send(
                method,
                path.replacing("STACK", with: stack),
                as: who,
                body: body == [:] ? [] : JSONWriter.bytes(body)
            )
            #expect(answer.status == status, "\(who) \(method) \(path): \(answer)")
        }
    }

    @Test func `a foreign object looks exactly like one that does not exist`() async throws {
        let world = World()
        let foreign: String = try await world.stack("secret", as: .eve, in: "1a30")
        for verb in ["GET", "PUT", "DELETE", "POST ?action=remove", "GET /services", "POST /services"] {
            var shapes: [String] = []
            for id in [foreign, "1st999"] {
                let parts: [Substring] = verb.split(separator: " ")
                let answer: Answer = await world.send(
                    String(parts[0]),
                    "\(World.home)/stacks/\(id)\(parts.count > 1 ? String(parts[1]) : "")",
                    as: .ann,
                    body: JSONWriter.bytes(["description": "x"])
                )
                #expect(answer.status == 404, "\(verb) \(answer)")
                var document: JSONObject = answer.json.object ?? [:]
                document["id"] = nil
                shapes.append(
                    String(decoding: JSONWriter.bytes(.object(document)), as: UTF8.self).replacing(id, with: "ID")
                )
            }
            #expect(shapes[0] == shapes[1], "\(verb)")
        }
        let reference: Answer = await world.post(
            "\(World.home)/services",
            ["name": "a", "stackId": .string(foreign), "launchConfig": ["imageUuid": "i"]],
            as: .ann
        )
        #expect(reference.code == "InvalidReference")
    }

    @Test func `an administrator inside an environment reaches nothing of another one`() async throws {
        let world = World()
        let foreign: String = try await world.stack("theirs", as: .eve, in: "1a30")
        #expect(await world.get("\(World.home)/stacks/\(foreign)", as: .admin).status == 404)
        #expect(await world.get("/v2-beta/stacks/\(foreign)", as: .admin).status == 200)
        #expect(await world.get("\(World.home)/stacks", as: .admin).data.isEmpty)
    }

    @Test func `lists hold nothing of others`() async throws {
        let world = World()
        _ = try await world.stack("ours", as: .ann)
        _ = try await world.stack("theirs", as: .eve, in: "1a30")
        #expect(await world.get("\(World.home)/stacks", as: .bob).names == ["ours"])
        #expect(await world.get("/v2-beta/projects", as: .bob).names == ["Default"])
        #expect(await world.get("/v2-beta/projects", as: .project).names == ["Default"])
        #expect(await world.get("/v2-beta/accounts", as: .bob).names == ["bob"])
        #expect(await world.get("\(World.home)/accounts", as: .bob).names == ["Default"])
        #expect(await world.get("\(World.home)/accounts").names == ["Default"], "the administrator, too")
        #expect(await world.get("/v2-beta/accounts", as: .project).names == ["Default"])
        #expect(await world.get("/v2-beta/apikeys", as: .bob).names == ["bob"])
        #expect(await world.get("/v2-beta/apikeys?publicValue_prefix=ann", as: .bob).data.isEmpty)
        #expect(await world.get("/v2-beta/projectmembers", as: .eve).data.count == 1)
        #expect(Set(await world.get("/v2-beta/settings", as: .bob).names) == Set(SettingCatalogue.publicNames))
    }

    // MARK: Keys

    @Test func `a new key shows its secret once and works at once`() async throws {
        let world = World()
        let made: Answer = await world.post("/v2-beta/apikeys", ["name": "laptop"], as: .bob)
        #expect(made.status == 201)
        let id: String = try #require(made["id"]?.string)
        let (user, secret): (String, String) = (made["publicValue"]?.string ?? "", made["secretValue"]?.string ?? "")
        #expect(user.count == 20 && user.allSatisfy { $0.isHexDigit && !$0.isLowercase })
        #expect(secret.count == 40 && !secret.contains { "O0lI+/=".contains($0) })
        #expect(made["accountId"] == "1a21")
        let read: Answer = await world.get("/v2-beta/apikeys/\(id)", as: .bob)
        #expect(read["secretValue"] == .null)
        #expect(try world.stored(.credential, id)["secretValue"] == nil)
        #expect(try world.stored(.credential, id)["secretHash"]?.string?.hasPrefix("SHA256:") == true)
        let used: Answer = await world.send(
            "GET",
            "/v2-beta/projects",
            as: .nobody,
            headers: ["Authorization": World.basic(user, secret)]
        )
        #expect(used.headers["x-api-user-id"] == "1a21")
    }

    @Test func `only an administrator chooses the halves and the owner of a key`() async throws {
        let world = World()
        let body: JSONValue = ["publicValue": "mine", "secretValue": "weak", "accountId": "1a1"]
        for (path, who) in [
            ("/v2-beta/apikeys", World.Who.bob), ("\(World.home)/apikeys", .ann), ("\(World.home)/apikeys", .admin),
        ] {
            let made: Answer = await world.post(path, body, as: who)
            #expect(made.status == 201)
            #expect(made["publicValue"] != "mine" && made["secretValue"] != "weak", "\(who)")
            #expect(made["accountId"] == (path.contains("projects") ? "1a5" : "1a21"))
        }
        let chosen: Answer = await world.post(
            "/v2-beta/apikeys",
            ["publicValue": "mine", "secretValue": "weak", "accountId": "1a20"]
        )
        #expect(chosen["publicValue"] == "mine" && chosen["secretValue"] == "weak" && chosen["accountId"] == "1a20")
        let twice: Answer = await world.post("/v2-beta/apikeys", ["publicValue": "mine"])
        #expect(twice.code == "NotUnique")
        for name in ["a:b", "registrationToken", "a b", "\u{0}"] {
            let bad: Answer = await world.post("/v2-beta/apikeys", ["publicValue": .string(name)])
            #expect(bad.code == "InvalidCharacters", "\(name)")
        }
    }

    @Test func `an environment's key acts in its environment without naming it`() async throws {
        let world = World()
        let made: Answer = await world.post("\(World.home)/apikeys", ["name": "ci"], as: .ann)
        let key: String = World.basic(made["publicValue"]?.string ?? "", made["secretValue"]?.string ?? "")
        let answer: Answer = await world.send("GET", "/v2-beta/stacks", as: .nobody, headers: ["Authorization": key])
        #expect(answer.status == 200)
        #expect(answer.headers["x-api-account-id"] == "1a5")
        #expect(answer.headers["x-api-account-kind"] == "project")
        #expect(await world.get("/v2-beta/projects/1a30/stacks", as: .project).status == 403)
        let system: Answer = await world.post("\(World.home)/stacks", ["name": "sys", "system": true], as: .project)
        #expect(system["system"] == false)
        #expect(await world.post("\(World.home)/stacks", ["name": "sys2", "system": true], as: .ann)["system"] == true)
    }

    @Test func `a deactivated key is out at once and can be removed`() async throws {
        let world = World()
        let made: Answer = await world.post("/v2-beta/apikeys", as: .bob)
        let id: String = try #require(made["id"]?.string)
        let key: String = World.basic(made["publicValue"]?.string ?? "", made["secretValue"]?.string ?? "")
        #expect(await world.delete("/v2-beta/apikeys/\(id)", as: .bob).status == 405)
        #expect(await world.post("/v2-beta/apikeys/\(id)/?action=deactivate", as: .bob)["state"] == "inactive")
        #expect(await world.send("GET", "/v2-beta", as: .nobody, headers: ["Authorization": key]).status == 401)
        let removed: Answer = await world.delete("/v2-beta/apikeys/\(id)", as: .bob)
        #expect(removed["state"] == "removed")
        #expect(removed["removedTS"] == .int(World.started))
    }

    // MARK: Environments

    @Test func `whoever makes an environment owns it`() async throws {
        let world = World()
        let made: Answer = await world.post("/v2-beta/projects", ["name": "Mine"], as: .bob)
        #expect(made.status == 201, "\(made)")
        let id: String = try #require(made["id"]?.string)
        #expect(id.hasPrefix("1a"))
        #expect(made["state"] == "active" && made["orchestration"] == "cattle" && made["healthState"] == "healthy")
        let members: Answer = await world.get("/v2-beta/projects/\(id)/projectmembers", as: .bob)
        #expect(members.data.first?["role"] == "owner" && members.data.first?["externalId"] == "1a21")
        #expect(await world.post("/v2-beta/projects/\(id)/stacks", ["name": "web"], as: .bob).status == 201)
        #expect(await world.get("/v2-beta/projects/\(id)/stacks", as: .ann).status == 403)
    }

    @Test func `somebody who has no environment yet is told what can be done with one, and finds none`() async throws {
        let world = World()
        let account: Answer = await world.post("/v2-beta/accounts", ["name": "new", "kind": "user"])
        let number: UInt64 = try #require(account["id"]?.string.flatMap { ResourceID($0)?.number })
        world.node.write([world.key("new", 900, of: number)])
        let headers: HTTPHeaders = ["Authorization": World.basic("new-key", "new-secret")]
        let schema: Answer = await world.get("/v2-beta/schemas/project", headers: headers)
        #expect(schema["resourceMethods"] == ["GET", "PUT", "DELETE"], "\(schema)")
        #expect(schema["resourceActions"]?["setmembers"] != nil && schema["resourceFields"]?["name"]?["update"] == true)
        // Command lines ask for a word as an id first, and go on to look for it as a name after 404 only.
        for path in ["projects/Default", "projects/1a5", "projects/1a999", "projectmembers/1pm200", "projectmembers/x"]
        {
            #expect(await world.get("/v2-beta/\(path)", headers: headers).status == 404, "\(path)")
        }
        #expect(await world.get("/v2-beta/projects", headers: headers).data.isEmpty)
        for method in ["PUT", "DELETE", "POST"] {
            let target: String = "/v2-beta/projects/1a5" + (method == "POST" ? "?action=deactivate" : "")
            #expect(await world.send(method, target, headers: headers).status == 404, "\(method)")
        }
    }

    @Test func `in an environment the one account to see is the environment, and keys link to it`() async throws {
        let world = World()
        let list: Answer = await world.get("\(World.home)/accounts", as: .bob)
        #expect(list.data.map { $0["id"] } == ["1a5"] && list.data.first?["type"] == "project", "\(list)")
        for other in ["1a1", "1a20", "1a21", "1a30"] {
            #expect(await world.get("\(World.home)/accounts/\(other)", as: .bob).status == 404, "\(other)")
        }
        #expect(await world.get("\(World.home)/accounts", as: .project).data.map { $0["id"] } == ["1a5"])
        let key: Answer = await world.post("\(World.home)/apikeys", ["name": "k"], as: .bob)
        let link: String = try #require(key["links"]?["account"]?.string)
        let path: String = try #require(link.split(separator: "8080", maxSplits: 1).last.map(String.init))
        #expect(await world.get(path, as: .bob)["id"] == "1a5")
        #expect(await world.put("\(World.home)/accounts/1a5", ["name": "x"], as: .bob).status == 403)
    }

    @Test func `the members that an environment is made with`() async throws {
        let world = World()
        func members(_ list: [(String, String)]) -> JSONValue {
            ["name": "m", "members": .array(list.map { ["externalId": .string($0.0), "role": .string($0.1)] })]
        }
        let made: Answer = await world.post(
            "/v2-beta/projects",
            members([("1a20", "owner"), ("1a22", "member")]),
            as: .bob
        )
        #expect(made.status == 201, "\(made)")
        let id: String = try #require(made["id"]?.string)
        #expect(await world.get("/v2-beta/projects/\(id)/stacks", as: .eve).status == 200)
        #expect(await world.get("/v2-beta/projects/\(id)/stacks", as: .bob).status == 403)
        #expect(await world.post("/v2-beta/projects", members([("1a20", "member")]), as: .bob).status == 400)
        let twice: Answer = await world.post(
            "/v2-beta/projects",
            members([("1a20", "owner"), ("1x20", "member")]),
            as: .bob
        )
        #expect(twice.code == "NotUnique" && twice.field == "members")
        for unknown in ["1a999", "ann", "1a5", "1a99999999999999999999"] {
            let answer: Answer = await world.post("/v2-beta/projects", members([(unknown, "owner")]), as: .bob)
            #expect(answer.status == 400, "\(unknown): \(answer)")
        }
        let role: Answer = await world.post("/v2-beta/projects", members([("1a20", "king")]), as: .bob)
        #expect(role.code == "InvalidOption" && role.field == "role")
    }

    @Test func `the last administrator stays`() async throws {
        let world = World()
        let last: Answer = await world.post("/v2-beta/accounts/1a1?action=deactivate")
        #expect(last.status == 405)
        #expect(last.code == "LastAdminAccount")
        let second: Answer = await world.post("/v2-beta/accounts", ["name": "two", "kind": "admin"])
        let id: String = try #require(second["id"]?.string)
        let number: UInt64 = try #require(ResourceID(id)?.number)
        // The other one goes just before: what was true when it was planned is not true any more.
        world.node.beforeNext { [node = world.node] _ in
            guard let record: Record = node.store.view.get(RecordKey(.account, number)),
                var fields: JSONObject = try? JSONReader.parse(record.document).object
            else { return }
            fields["state"] = "inactive"
            node.write([RecordWriting.put(.account, .known(number), fields, scope: .known(0))])
        }
        #expect(await world.post("/v2-beta/accounts/1a1?action=deactivate").code == "LastAdminAccount")
    }
}
