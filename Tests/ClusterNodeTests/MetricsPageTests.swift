import EventLoop
import Foundation
import Gateway
import HTTP
import JSON
import Metrics
import RaftCore

import Testing

@testable import ClusterNode
@testable import RaftGroup

/// What a node tells those who look after it, and the page that says so.
@Suite struct MetricsPageTests {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/reference/metrics.md")
    private static let begin: String = "<!-- begin: written from what a node serves -->\n"
    private static let end: String = "<!-- end -->"

    private static func table(_ rows: [MetricDescription]) -> String {
        var text: String = "\n| name | type | labels | meaning |\n|---|---|---|---|\n"
        for row in rows {
            let labels: String = row.labels.map { "`\($0)`" }.joined(separator: ", ")
            text += "| `\(row.name)` | \(row.type) | \(labels) | \(row.help) |\n"
        }
        return text + "\n"
    }

    /// With `DROVER_REWRITE=1` in the environment the table is written anew; review the difference like code.
    @Test func `the page of metrics lists exactly what a node serves`() async throws {
        try await withNode { rig in
            let made = try await rig.call("POST", "stacks", ["name": "counted"])
            #expect(made.status == 201)
            let descriptions: [MetricDescription] = await rig.node.telemetry.descriptions
            let answer: HTTPClientResponse = try await rig.plain("/metrics")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let served = try PrometheusText(String(decoding: answer.body, as: UTF8.self))
            #expect(served.families.keys.sorted() == descriptions.map(\.name), "the page of a node lacks something")
            for row in descriptions {
                let family = try #require(served.families[row.name])
                #expect(family.type == row.type && family.help == row.help)
                let labels: Set<String> = family.samples.reduce(into: []) { $0.formUnion($1.labels.keys) }
                #expect(labels.subtracting(["le"]).isSubset(of: row.labels), "\(row.name) has other labels: \(labels)")
            }
            var page = try String(contentsOf: Self.page, encoding: .utf8)
            let start = try #require(page.range(of: Self.begin))
            let stop = try #require(page.range(of: Self.end))
            let wanted: String = Self.table(descriptions)
            if ProcessInfo.processInfo.environment["DROVER_REWRITE"] == "1" {
                page.replaceSubrange(start.upperBound..<stop.lowerBound, with: wanted)
                try page.write(to: Self.page, atomically: true, encoding: .utf8)
                return
            }
            let found: [Substring] = page[start.upperBound..<stop.lowerBound].split(separator: "\n")
            #expect(
                found == wanted.split(separator: "\n"),
                """
                docs/reference/metrics.md differs; DROVER_REWRITE=1 writes it
                \(wanted.split(separator: "\n").difference(from: found))
                """
            )
            // What the rest of the page names, such as its alarms, exists.
            let words: [String] = page[..<start.lowerBound].split { !($0.isLetter || $0.isNumber || $0 == "_") }
                .map(String.init).filter { $0.hasPrefix("drover_") || $0.hasPrefix("process_") }
            #expect(words.count > 5)
            for word in words { #expect(served.families[word] != nil, "the page names \(word), which nobody serves") }
        }
    }

    @Test func `what happens on a node is counted`() async throws {
        try await withNode { rig in
            // A node takes its scopes a moment after it has started.
            var before = try PrometheusText(try await rig.text("/metrics"))
            for _ in 0..<400 where before.value("drover_scopes_owned") != 2 {
                try await rig.loop.sleep(milliseconds: 50)
                before = try PrometheusText(try await rig.text("/metrics"))
            }
            #expect(before.value("drover_scopes_owned") == 2)
            for number in 1...3 { _ = try await rig.call("POST", "stacks", ["name": .string("counted\(number)")]) }
            for _ in 1...2 { _ = try await rig.call("GET", "stacks") }
            _ = try await rig.call("GET", "stacks", user: "nobody", password: "wrong")
            let after = try PrometheusText(try await rig.text("/metrics"))
            let earlier: PrometheusText = before
            func grown(_ name: String, _ labels: [String: String] = [:]) -> Double {
                (after.value(name, labels) ?? 0) - (earlier.value(name, labels) ?? 0)
            }
            let client: [String: String] = ["origin": "client"]
            #expect(
                grown("drover_gateway_requests_total", client.merging(["class": "change", "status": "201"]) { $1 }) == 3
            )
            #expect(
                grown("drover_gateway_requests_total", client.merging(["class": "read", "status": "200"]) { $1 }) == 2
            )
            #expect(grown("drover_gateway_denied_total", ["reason": "unauthenticated"]) == 1)
            #expect(grown("drover_gateway_wrong_keys_total") == 1)
            #expect(grown("drover_gateway_request_seconds_count", ["class": "change"]) == 3)
            // Controllers propose, too.
            #expect(grown("drover_raft_proposals_total", ["result": "applied"]) >= 3)
            #expect(
                grown("drover_raft_proposal_seconds_count")
                    == grown("drover_raft_proposals_total", ["result": "applied"])
            )
            #expect(grown("drover_raft_log_entries_total") >= 3)
            #expect(grown("drover_raft_log_flush_seconds_count") >= 1)
            #expect(grown("drover_raft_log_flush_seconds_sum") > 0)
            #expect(grown("drover_store_revision") >= 3)
            #expect(grown("drover_store_records") >= 3)
            #expect(after.value("drover_raft_role", ["role": "leader"]) == 1)
            #expect(after.value("drover_raft_has_leader") == 1)
            #expect(after.value("drover_ready") == 1)
            for name in [
                "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
                "process_threads", "drover_disk_free_bytes", "drover_disk_size_bytes", "drover_raft_term",
                "drover_raft_commit_index", "drover_store_watches",
            ] {
                #expect((after.value(name) ?? 0) > 0, "\(name)")
            }
            // No names of tenants.
            #expect(!(try await rig.text("/metrics")).contains("counted1"))
        }
    }

    @Test func `metrics want a key when the setting says so, health never does`() async throws {
        try await withNode { rig in
            let set = try await rig.call("PUT", "/v2-beta/settings/metrics.access", ["value": "accounts"])
            #expect(set.status == 200, "\(set)")
            let refused: HTTPClientResponse = try await rig.plain("/metrics")
            #expect(refused.status == 401)
            #expect(refused.headers["www-authenticate"]?.hasPrefix("Basic realm=") == true)
            let wrong: HTTPClientResponse = try await rig.plain(
                "/metrics",
                user: rig.key.publicValue,
                password: "wrong"
            )
            #expect(wrong.status == 401)
            let right: HTTPClientResponse = try await rig.plain(
                "/metrics",
                user: rig.key.publicValue,
                password: rig.key.secretValue
            )
            #expect(right.status == 200)
            for path in ["/healthz", "/readyz"] {
                let answer: HTTPClientResponse = try await rig.plain(path)
                #expect(answer.status == 200)
                #expect(try JSONReader.parse(answer.body)["reasons"]?.array?.isEmpty == true)
            }
            let checks: HTTPClientResponse = try await rig.plain("/healthcheck")
            #expect(checks.status == 200)
            #expect(
                try JSONReader.parse(checks.body) == ["process": ["healthy": true], "cluster": ["healthy": true]]
            )
        }
    }

    @Test func `a stopping node, one without a leader and one that is behind are not ready, and say why`() throws {
        let member = MemberID(1)
        var status = GroupStatus(
            id: member,
            group: GroupIdentity(cluster: 1, incarnation: 1),
            role: .leader,
            term: 1,
            leader: member,
            commit: 20_000,
            applied: 20_000,
            firstIndex: 1,
            lastIndex: 20_000,
            configuration: Configuration(voters: [member])
        )
        #expect(Unreadiness.all(status, isStopping: false).isEmpty)
        #expect(Unreadiness.all(status, isStopping: true) == [.stopping])
        status.leader = nil
        status.applied = 9_999
        #expect(Unreadiness.all(status, isStopping: false) == [.noLeader, .catchingUp(entries: 10_001)])
        status.applied = 10_000
        #expect(Unreadiness.all(status, isStopping: false) == [.noLeader])
        #expect(Unreadiness.all(status, isStopping: false, isReadOnly: true) == [.noLeader, .readOnly])
        for reason in [Unreadiness.stopping, .noLeader, .readOnly, .catchingUp(entries: 3)] {
            #expect(reason.document["code"]?.string == reason.code)
            #expect(reason.document["next"]?.string?.isEmpty == false)
        }
    }

    @Test func `a loop that does not answer is named, and the others are not`() async throws {
        let loops: Loops = try .start(count: 3)
        let gate = DispatchSemaphore(value: 0)
        loops.all[1].execute { gate.wait() }
        let own: EventLoop = loops.all[0]
        #expect(await RollCall.silent(loops.all, on: own) == [1])
        gate.signal()
        #expect(await RollCall.silent(loops.all, on: own) == [])
        await loops.stop()
    }

    private func withNode(_ body: (NodeRig) async throws -> Void) async throws {
        let rig = try await NodeRig()
        do {
            try await body(rig)
        } catch {
            await rig.stop()
            throw error
        }
        await rig.stop()
    }
}

extension NodeRig {
    /// A request outside of the API.
    func plain(_ path: String, user: String? = nil, password: String? = nil) async throws -> HTTPClientResponse {
        var request = HTTPRequest(method: "GET", target: path)
        if let user, let password {
            request.headers["Authorization"] = "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
        }
        return try await client.send(request, to: endpoint)
    }

    func text(_ path: String) async throws -> String {
        String(decoding: try await plain(path).body, as: UTF8.self)
    }
}
