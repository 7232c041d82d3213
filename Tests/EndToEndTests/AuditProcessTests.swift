import Bytes
import Glibc
import JSON
import SQLite
import Testing

extension EndToEnd {
    /// The audit log of three nodes, verified from outside.
    @Suite(.serialized) struct AuditProcessTests {
        @Test func `every node has the same rows, and verify names what somebody changed`() async throws {
            try await DevRig.run(nodes: 3, hosts: 0) { rig in
                let put = try await rig.api("PUT", "settings/access.log", ["value": "access.log"])
                #expect(put.status == 200)
                for number in 0..<5 {
                    let made = try await rig.api(
                        "POST",
                        "projects/1a5/stacks",
                        ["name": .string("s\(number)")],
                        node: "node\(number % 3 + 1)"
                    )
                    #expect(made.status == 201)
                }
                var rows: [JSONValue] = []
                for node in ["node1", "node2", "node3"] {
                    let found: [JSONValue] = try await wait(for: "the rows of \(node)") {
                        let data: [JSONValue]? = try await rig.api("GET", "auditlogs?resourceType=stack", node: node)
                            .body["data"]?.array
                        return data?.count == 5 ? data : nil
                    }
                    let told: [JSONValue] = found.map {
                        ["id": $0["id"] ?? .null, "name": $0["requestObject"] ?? .null]
                    }
                    if rows.isEmpty { rows = told }
                    #expect(told == rows, "\(node)")
                }
                // Somebody without a key leaves a line in the trail of the node that refused it.
                let refused = try await rig.plain("/v2-beta/projects", node: "node1")
                #expect(refused.status == 401)
                let folder: String = "\(rig.data)/node1"
                try await wait(for: "the line in the trail") {
                    Files.names(in: "\(folder)/audit").contains { name in
                        name.hasPrefix("trail-")
                            && Files.read("\(folder)/audit/\(name)")?.contains("denied.unauthenticated") == true
                    }
                }
                try await wait(for: "the access log") {
                    Files.read("\(folder)/logs/access.log")?.contains(#""status":401"#) == true
                }
                let whole: Ended = try await rig.run(["audit", "verify"]).ends(0)
                #expect(whole.out.contains("whole"), "\(whole)")
                let here: Ended = try await rig.run([
                    "audit", "verify", "--data", folder, "--data", "\(rig.data)/node2", "--output", "json",
                ]).ends(0)
                #expect(try JSONReader.parse(Array(here.out.utf8)).array?.count == 2)

                // Somebody with the disk in hand.
                rig.freeze()
                defer { rig.thaw() }
                try await rig.kill9(["node1"])
                do {
                    let database: SQLiteDatabase = try SQLiteDatabase(path: "\(folder)/state/history.db")
                    try database.execute("UPDATE entries SET actor = '1a99' WHERE audit IS NOT NULL")
                }
                let changed: Ended = try await rig.run(["audit", "verify", "--data", folder]).ends(1)
                #expect(changed.out.contains("at entry "), "\(changed)")
            }
        }
    }
}
