import HTTP
import JSON
import TestSupport
import Testing

/// What somebody sends who wants to break something.
@Suite struct HostileTests {
    @Test func `a body of very many members costs one pass`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        var members = JSONObject()
        members.append("name", "many")
        for index in 0..<25_000 { members.append("m\(index)", 1) }
        let query: String = (0..<1_000).map { "q\($0)=1" }.joined(separator: "&")
        let answer: Answer = await world.post("\(World.home)/stacks?\(query)", .object(members), as: .ann)
        #expect(answer.status == 201)
        let form: String = (0..<25_000).map { "f\($0)=1" }.joined(separator: "&")
        let posted: Answer = await world.send(
            "POST",
            "\(World.home)/stacks",
            as: .ann,
            headers: ["Content-Type": "application/x-www-form-urlencoded"],
            body: Array("name=form&\(form)".utf8)
        )
        #expect(posted.status == 201)
        // Kept members of a launch configuration are written and rendered again and again.
        var config: JSONObject = ["imageUuid": "i"]
        for index in 0..<8_000 { config.append("m\(index)", 1) }
        let service: String = try await world.service("wide", stack: stack, launchConfig: .object(config))
        for _ in 0..<3 { #expect(await world.get("\(World.home)/services/\(service)", as: .ann).status == 200) }
    }

    @Test func `one stack that many services include is worked out once`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        for index in 0..<150 { _ = try await world.service("s\(index)", stack: stack) }
        let answer: Answer = await world.get("\(World.home)/services?include=stack&limit=-1", as: .ann)
        #expect(answer.data.count == 150)
        #expect(answer.data.allSatisfy { $0["stack"]?["id"]?.string == stack })
    }

    static let paths: [String] = [
        "/v2-beta/%00", "/v2-beta/projects/1a5/stacks/%00", "/v2-beta/projects/%00/stacks",
        "/v2-beta/schemas/%0d%0aX:1",
        "/v2-beta/projects/1a5/stacks/..%2f..%2fetc%2fpasswd", "/v2-beta/projects/1a5/stacks/1st%F0%9F%92%A9",
        "/v2-beta/projects/1a5/stacks?name=%00&limit=-99999999999999999999&marker=m%00&sort=%0d%0a&include=%00",
        "/v2-beta/projects/1a5/stacks?created_gt=99999999999999999999&id=1s99999999999999999999&name_like=%25%00_",
        "/v2-beta/projects/1a5/stacks?name_=1&_=2&=3&&&=&name__eq=1&_eq=4",
        "/v2-beta/projects/1a5/stacks?" + String(repeating: "a", count: 16_000),
        "/v2-beta/" + String(repeating: "a/", count: 4_000),
        "/v2-beta/settings/" + String(repeating: "b", count: 8_000),
        "/v2-beta/scripts/%22%0aid", "/v1/logs?token=%00", "/v1/logs/?token=", "/v2-beta/subscribe?eventNames=%00",
        "/v2-beta/projects/1a5/subscribe?eventNames=a%0d%0a", "/%2e%2e/v2-beta", "/v2-beta?projectId=%0d%0a",
    ]

    @Test(arguments: paths)
    func `odd addresses get an answer that is whole`(path: String) async {
        let world = World()
        for who in [World.Who.admin, .ann, .nobody] {
            for method in ["GET", "POST", "PUT", "DELETE", "HEAD"] {
                let answer: Answer = await world.send(method, path, as: who, body: Array("{}".utf8))
                #expect((200..<500).contains(answer.status), "\(method) \(path): \(answer)")
                for (name, value) in answer.headers {
                    #expect(value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "\(name): \(value)")
                }
            }
        }
    }

    @Test func `random bodies never get more than an answer`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        var random = Seeded(7)
        let words: [String] = [
            "name", "stackId", "launchConfig", "scale", "imageUuid", "ports", "labels", "count", "members",
        ]
        let values: [JSONValue] = [
            nil, true, 0, -1, 9_223_372_036_854_775_807, .double(1e308), .double(-0.5), "", "\u{0}", "1s1",
            .string(stack), [],
            [:], [[[]]], ["a": nil], ["imageUuid": "i"], [nil], ["ports": ["1:1", "x"]],
            .string(String(repeating: "é", count: 300)),
        ]
        for _ in 0..<400 {
            var body = JSONObject()
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                body[words.randomElement(using: &random) ?? "name"] = values.randomElement(using: &random)
            }
            let type: String =
                ["stacks", "services", "containers", "volumes", "apikeys"].randomElement(using: &random) ?? ""
            let answer: Answer = await world.post("\(World.home)/\(type)", .object(body), as: .ann)
            #expect([201, 400, 409, 413, 422].contains(answer.status), "\(type) \(body): \(answer)")
        }
        for type in ["stacks", "services", "containers", "volumes", "apikeys"] {
            #expect(await world.get("\(World.home)/\(type)?limit=-1", as: .ann).status == 200)
        }
    }

    @Test func `a change of rights cannot be forced by the environment that a body names`() async {
        let world = World()
        let answer: Answer = await world.post(
            "\(World.home)/stacks?accountId=1a30&projectId=1a30",
            ["name": "a"],
            as: .ann
        )
        #expect(answer["accountId"] == "1a5")
    }
}
