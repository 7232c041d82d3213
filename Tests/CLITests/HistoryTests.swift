import JSON
import Testing

@testable import CLI

/// What `drover history` compares and sends.
struct HistoryTests {
    @Test func `what differs is told field by field, without what only belongs to the document`() {
        let old: JSONObject = [
            "id": "1st1", "name": "web", "scale": 1, "revision": "5", "links": ["self": "a"], "gone": "x",
        ]
        let new: JSONObject = [
            "id": "1st1", "name": "site", "scale": 1, "revision": "9", "links": ["self": "b"], "new": 2,
        ]
        #expect(
            HistoryCommand.differences(old, new).map { JSONValue.object($0) } == [
                ["field": "name", "before": "web", "after": "site"],
                ["field": "gone", "before": "x", "after": nil],
                ["field": "new", "before": nil, "after": 2],
            ]
        )
    }

    @Test func `only what a client may change and what has another value now is sent back`() {
        let schema: JSONObject = [
            "resourceFields": [
                "name": ["update": true], "scale": ["update": true], "state": ["update": false],
                "kept": ["update": true],
            ]
        ]
        let now: JSONObject = ["name": "site", "scale": 1, "state": "active", "kept": "now"]
        let old: JSONObject = ["name": "web", "scale": 1, "state": "inactive"]
        #expect(HistoryCommand.changes(from: now, to: old, schema) == ["name": "web"])
    }
}
