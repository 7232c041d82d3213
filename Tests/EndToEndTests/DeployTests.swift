import JSON
import Testing

extension EndToEnd {
    @Suite(.serialized) struct DeployTests {
        @Test func `up brings exactly the wanted containers, spread, and once only`() async throws {
            try await DevRig.run { rig in
                let path: String = try rig.plain("shop", scale: 4, withGlobal: true)
                try await rig.up(path).ends(0)
                let first = try await rig.agree()
                try #require(first.shown.count == 6)
                for host in ["host1", "host2"] {
                    let names: [String] = first.held.filter { $0.host == host }.map(\.name)
                    try #require(names.count { $0.contains("web") } == 2, "\(host) has \(names)")
                    try #require(names.count { $0.contains("everywhere") } == 1, "\(host) has \(names)")
                }
                try #require(first.shown.allSatisfy { $0.startCount == 1 }, "\(first.shown)")

                let listed = try await rig.run(["ps", "--output", "json"]).ends(0)
                let rows: [JSONValue] = try #require(try JSONReader.parse(listed.out).array)
                try #require(rows.map { Shown($0) }.sorted { $0.name < $1.name } == first.shown)
                let table: String = try await rig.run(["ps", "shop"]).ends(0).out
                for container in first.shown { try #require(table.contains(container.name), "\(table)") }

                let before: Int64 = try await rig.api("GET", "projects/1a5/services").revision
                try await rig.up(path).ends(0)
                try #require(try await rig.api("GET", "projects/1a5/services").revision == before)
                try #require(try await rig.agree().shown == first.shown)

                try await rig.run(["scale", "shop/web=7"]).ends(0)
                let scaled = try await rig.agree()
                try #require(scaled.shown.count == 9)
                try #require(Set(first.held).isSubset(of: scaled.held), "scaling up touched what ran")
                try await rig.run(["scale", "shop/web=1"]).ends(0)
                try #require(try await rig.agree().shown.count == 3)

                try await rig.run(["rm", "--type", "stack", "shop"]).ends(0)
                try #require(try await rig.agree().held.isEmpty)
            }
        }

        @Test func `what cannot be placed is explained host by host`() async throws {
            try await DevRig.run { rig in
                let path: String = try rig.compose(
                    "picky",
                    """
                    version: '2'
                    services:
                      db:
                        image: example/db:1
                        labels:
                          io.rancher.scheduler.affinity:host_label: disk=ssd
                    """
                )
                let ended = try await rig.run(
                    ["up", "-d", "--file", "\(path)/docker-compose.yml", "--stack", "picky", "--timeout", "3"])
                try ended.ends(1)
                let text: String = try await rig.run(["explain", "picky/db"]).ends(0).out
                for word in ["host1", "host2", "disk=ssd"] { try #require(text.contains(word), "\(text)") }

                // One label later it is placed, and only there.
                let host: String = try await rig.hostID("host2")
                let labelled = try await rig.api("PUT", "projects/1a5/hosts/\(host)", ["labels": ["disk": "ssd"]])
                try #require(labelled.status == 200, "\(labelled)")
                try await rig.up(path).ends(0)
                let there = try await rig.agree()
                try #require(there.held.map(\.host) == ["host2"])
            }
        }

        @Test func `a port that another container has is named`() async throws {
            try await DevRig.run { rig in
                func publishing(_ stack: String) throws -> String {
                    try rig.compose(
                        stack,
                        """
                        version: '2'
                        services:
                          web:
                            image: example/web:1
                            ports:
                              - '8080:80'
                            labels:
                              io.rancher.scheduler.global: 'true'
                        """
                    )
                }
                try await rig.up(try publishing("first")).ends(0)
                let second: String = try publishing("second")
                let ended = try await rig.run(
                    ["up", "-d", "--file", "\(second)/docker-compose.yml", "--stack", "second", "--timeout", "3"])
                try ended.ends(1)
                let text: String = try await rig.run(["explain", "second/web"]).ends(0).out
                for word in ["8080", "host1", "host2", "first"] { try #require(text.contains(word), "\(text)") }
                // Once the port is free it is taken.
                try await rig.run(["rm", "--type", "stack", "first"]).ends(0)
                try await rig.up(second).ends(0)
                try #require(try await rig.agree().held.count == 2)
            }
        }
    }
}
