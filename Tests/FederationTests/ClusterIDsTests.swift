import Federation
import JSON
import Model
import Testing

struct ClusterIDsTests {
    private let ids = ClusterIDs(cluster: 3, base: "http://all.test")

    @Test func `ids, references and the API's own addresses get the number, and nothing else does`() {
        let document: JSONValue = [
            "id": "1s42", "type": "service", "name": "1s42",
            "description": "see 1s41 at http://all.test/v2-beta/stacks/1st1",
            "stackId": "1st7", "accountId": "1a5", "instanceIds": ["1i1", "1i2"], "scale": 2,
            "links": [
                "self": "http://all.test/v2-beta/projects/1a5/services/1s42",
                "stack": "http://all.test/v2-beta/projects/1a5/services/1s42/stack?x=1st7",
                "elsewhere": "http://other.test/v2-beta/projects/1a5",
            ],
            "actions": ["remove": "http://all.test/v2-beta/projects/1a5/services/1s42/?action=remove"],
            "metadata": ["id": "1s42"],
        ]
        let numbered: JSONValue = ids.numbered(document)
        #expect(numbered["id"] == "1s42c3")
        #expect(numbered["stackId"] == "1st7c3")
        #expect(numbered["accountId"] == "1a5c3")
        #expect(numbered["instanceIds"] == ["1i1c3", "1i2c3"])
        #expect(numbered["links"]?["self"] == "http://all.test/v2-beta/projects/1a5c3/services/1s42c3")
        #expect(numbered["links"]?["stack"] == "http://all.test/v2-beta/projects/1a5c3/services/1s42c3/stack?x=1st7")
        #expect(numbered["links"]?["elsewhere"] == "http://other.test/v2-beta/projects/1a5")
        #expect(
            numbered["actions"]?["remove"] == "http://all.test/v2-beta/projects/1a5c3/services/1s42c3/?action=remove"
        )
        // A user's words stay what they are.
        for name in ["name", "description", "scale", "metadata"] {
            #expect(numbered[name] == document[name], "\(name)")
        }
    }

    @Test func `collections and what was included with them are numbered throughout`() {
        let document: JSONValue = [
            "type": "collection", "resourceType": "stack",
            "links": ["self": "http://all.test/v2-beta/projects/1a5/stacks"],
            "createTypes": ["stack": "http://all.test/v2-beta/projects/1a5/stacks"],
            "data": [
                ["id": "1st7", "type": "stack", "services": [["id": "1s42", "type": "service", "stackId": "1st7"]]]
            ],
            "pagination": ["next": "http://all.test/v2-beta/projects/1a5/stacks?marker=m7", "limit": 1],
            "filters": ["name": nil],
        ]
        let numbered: JSONValue = ids.numbered(document)
        #expect(numbered["links"]?["self"] == "http://all.test/v2-beta/projects/1a5c3/stacks")
        #expect(numbered["createTypes"]?["stack"] == "http://all.test/v2-beta/projects/1a5c3/stacks")
        #expect(numbered["pagination"]?["next"] == "http://all.test/v2-beta/projects/1a5c3/stacks?marker=m7")
        let stack: JSONValue? = numbered["data"]?.array?.first
        #expect(stack?["id"] == "1st7c3")
        #expect(stack?["services"]?.array?.first?["id"] == "1s42c3")
        #expect(stack?["services"]?.array?.first?["stackId"] == "1st7c3")
    }

    @Test func `names that are ids stay names, and what has a number keeps it`() {
        let setting: JSONValue = ["id": "access.log", "type": "setting", "name": "access.log"]
        #expect(ids.numbered(setting)["id"] == "access.log")
        let stack: JSONValue = ["id": "1st7c2", "type": "stack"]
        #expect(ids.numbered(stack)["id"] == "1st7c2")
        let error: JSONValue = ["id": "17644ce33f612fba", "type": "error", "status": 404]
        #expect(ids.numbered(error) == error)
    }

    @Test func `a body's references lose this cluster's number; others are named`() throws {
        let service: ResourceDefinition = try #require(Schemas.definition("service"))
        let body: JSONObject = [
            "name": "web", "stackId": "1st7c3", "description": "1st7c9", "metadata": ["stackId": "1st1"],
        ]
        let plain: JSONObject = try ids.plain(body: body, service)
        #expect(plain["stackId"] == "1st7")
        #expect(plain["description"] == "1st7c9")
        #expect(plain["metadata"] == ["stackId": "1st1"])
        for wrong in ["1st7", "1st7c4"] {
            #expect(throws: ClusterIDs.Foreign(field: "stackId", id: wrong)) {
                try ids.plain(body: ["stackId": .string(wrong)], service)
            }
        }
    }

    @Test func `of the query only this cluster's ids change`() {
        #expect(ids.plain(queryValue: "1st7c3") == "1st7")
        #expect(ids.plain(queryValue: "1st7c4") == "1st7c4")
        #expect(ids.plain(queryValue: "web") == "web")
        #expect(ClusterIDs.withoutCluster("1ac5c3") == "1ac5")
        #expect(ClusterIDs.withoutCluster("1ac5") == "1ac5")
    }

    @Test func `what was numbered is plain again`() {
        for letters in ["a", "st", "s", "i", "c", "sc", "ac"] {
            let bare: String = "1\(letters)42"
            let there: String? = ids.numbered(["id": .string(bare), "type": "stack"])["id"]?.string
            #expect(there.map(ClusterIDs.withoutCluster) == bare)
        }
    }
}
