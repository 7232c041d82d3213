import Authority
import Bytes
import Certificates
import EventLoop
@testable import HTTP
import JSON
import Limits
import Logging
import Model
import RaftCore
import Store
import StoreFormat
import Testing

@testable import ClusterNode

@Suite(.timeLimit(.minutes(1))) struct JoinDoorTests {
    private static func withRig(_ body: (JoinRig, EventLoop) async throws -> Void) async throws {
        let loop: EventLoop = try .start()
        let result: Result<Void, any Error>
        let rig = try JoinRig()
        do { result = .success(try await body(rig, loop)) } catch { result = .failure(error) }
        await loop.stop()
        try result.get()
    }

    @Test func `a token trades for a certificate, once`() async throws {
        try await Self.withRig { rig, loop in
            let token: JoinToken = rig.token()
            let key: PrivateKey = try .generate()
            let got = await rig.ask(try JoinRig.request(token.text, "node2", key: key).json, loop: loop)
            #expect(got.status == 201, "\(got.body)")
            let answer = try JoinAnswer(got.body)
            let certificate = try Certificate(pem: Array(answer.certificate.utf8))
            let node = try #require(rig.state.node(named: "node2"))
            #expect(certificate.isIssued(by: rig.authority.certificate))
            #expect(PeerIdentity(certificate) == PeerIdentity(.node, cluster: 0xabc, number: node.number))
            #expect(answer.member == MemberID(node.number) && answer.group == JoinRig.group)
            #expect(answer.sealingKey == rig.sealingKey && answer.voters == [MemberID(7)])
            #expect(answer.members.map(\.name) == ["node1"])
            #expect(node.record.membership == .joining && node.record.certificateSerial == certificate.serial)
            #expect(node.record.peer == "127.0.0.1:9001" && node.number > 7)
            let audit: AuditRecord = try #require(rig.state.proposed.compactMap(\.audit).first)
            #expect(audit.eventType == "node.join" && audit.credential == token.id && audit.clientIP == "192.0.2.9")

            let again = await rig.ask(try JoinRig.request(token.text, "node3").json, loop: loop)
            #expect(again.status == 403 && again.body["code"] == "JoinRefused", "\(again.body)")
            #expect(rig.state.node(named: "node3") == nil)
        }
    }

    @Test func `nothing secret of the token or the authority gets into the state or the log`() async throws {
        try await Self.withRig { rig, loop in
            let token: JoinToken = rig.token()
            let first: Int = try await rig.join(token.text, "node2", loop)
            #expect(first == 201)
            let second: Int = try await rig.join(token.text, "node3", loop)
            #expect(second == 403)
            let secrets: [String] = [
                Hex.encode(token.secret), Base64.encode(rig.sealingKey), Hex.encode(rig.sealingKey),
            ]
            var texts: [String] = rig.log.records.map { "\($0)" }
            for table: Table in [.node, .joinToken, .clusterKeys] {
                texts += rig.state.store.view.records(in: table).map { String(decoding: $0.document, as: UTF8.self) }
            }
            texts += rig.state.proposed.map { "\($0)" }
            #expect(texts.count > 5)
            for text in texts {
                for secret in secrets { #expect(!text.contains(secret)) }
                #expect(!text.contains("PRIVATE KEY"))
            }
        }
    }

    @Test func `who repeats the very same request gets the same membership`() async throws {
        try await Self.withRig { rig, loop in
            let request: JoinRequest = try JoinRig.request(rig.token().text, "node2")
            rig.state.loseNextAnswer()
            let lost = await rig.ask(request.json, loop: loop)
            #expect(lost.status == 503 && lost.body["message"]?.string?.contains("not known") == true)
            let second = await rig.ask(request.json, loop: loop)
            let third = await rig.ask(request.json, loop: loop)
            #expect(second.status == 201 && third.status == 201, "\(second.body)")
            let members: [MemberID] = [try JoinAnswer(second.body).member, try JoinAnswer(third.body).member]
            #expect(members[0] == members[1])
            #expect(rig.state.store.view.records(in: .node).count == 2)
            // With another key it is somebody else.
            let other = await rig.ask(try JoinRig.request(request.token, "node2").json, loop: loop)
            #expect(other.status == 403)
        }
    }

    @Test func `of two who come with one token at once, exactly one is let in`() async throws {
        for _ in 0..<10 {
            try await Self.withRig { rig, loop in
                let token: String = rig.token().text
                let requests: [JSONValue] = try (2...5).map { try JoinRig.request(token, "node\($0)").json }
                let statuses: [Int] = await withTaskGroup(of: Int.self) { group in
                    for request in requests { group.addTask { await rig.ask(request, loop: loop).status } }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses.sorted() == [201, 403, 403, 403])
                #expect(rig.state.store.view.records(in: .node).count == 2)
            }
        }
    }

    @Test func `a token that is used while another is looked at lets in nobody else`() async throws {
        try await Self.withRig { rig, loop in
            let token: JoinToken = rig.token()
            let name = "joinToken/\(token.id)"
            rig.state.beforeNext {
                guard let key = rig.state.store.view.holder(Array(name.utf8)),
                    let record = rig.state.store.view.get(key),
                    var stored = try? JoinTokenRecord(document: record.document)
                else { return }
                stored.fields["used"] = 1
                stored.fields["usedBy"] = 7
                rig.state.write([RecordWriting.put(.joinToken, .known(key.number), stored.fields, scope: .known(0))])
            }
            let got = await rig.ask(try JoinRig.request(token.text, "node2").json, loop: loop)
            #expect(got.status == 403 && rig.state.node(named: "node2") == nil)
        }
    }

    @Test func `a name that is taken is refused with what to do, and the token stays good`() async throws {
        try await Self.withRig { rig, loop in
            let token: String = rig.token().text
            let got = await rig.ask(try JoinRig.request(token, "node1").json, loop: loop)
            #expect(got.status == 409)
            let message: String = got.body["message"]?.string ?? ""
            #expect(message.contains("drover cluster remove node1") && message.contains("drover cluster token"))
            #expect(try await rig.join(token, "node2", loop) == 201)
        }
    }

    @Test func `the name of a removed node is free, its number is not`() async throws {
        try await Self.withRig { rig, loop in
            #expect(try await rig.join(rig.token().text, "node2", loop) == 201)
            let old = try #require(rig.state.node(named: "node2"))
            var gone: NodeRecord = old.record
            gone.membership = .removed
            gone.removed = 1
            rig.state.write([RecordWriting.put(.node, .known(old.number), gone.fields, scope: .known(0))])
            #expect(try await rig.join(rig.token().text, "node2", loop) == 201)
            #expect(try #require(rig.state.node(named: "node2")).number > old.number)
        }
    }

    @Test func `every refusal of a token has the same status and the same shape`() async throws {
        try await Self.withRig { rig, loop in
            let foreign: JoinToken = .generate(.node, fingerprint: [UInt8](repeating: 1, count: 32))
            let expiring: JoinToken = rig.token(seconds: 1)
            rig.clock.advance(1_000)
            let used: JoinToken = rig.token()
            #expect(try await rig.join(used.text, "node2", loop) == 201)
            var guessed: JoinToken = rig.token()
            guessed.secret[0] ^= 1
            let tokens: [String] = [
                "", "x", foreign.text, expiring.text, used.text, guessed.text, rig.token(.host).text,
                String(rig.token().text.dropLast(3)),
            ]
            var unknown: Set<String> = []
            for (index, token) in tokens.enumerated() {
                let got = await rig.ask(try JoinRig.request(token, "node9").json, loop: loop)
                #expect(
                    got.status == 403 && got.body["code"] == "JoinRefused" && got.body["type"] == "error",
                    "\(index)"
                )
                #expect(got.body.object?.keys.count == 10)
                let message: String = got.body["message"]?.string ?? ""
                #expect(message.contains("drover cluster token"), "\(message)")
                if ![3, 4, 6].contains(index) { unknown.insert(message) }
            }
            #expect(unknown.count == 1, "a stranger learns something: \(unknown)")
            #expect(rig.state.node(named: "node9") == nil)
            // Each is in the log; only those who knew a secret could make the cluster write.
            #expect(rig.log.records.filter { "\($0)".contains("join refused") }.count == tokens.count)
            let audits: [AuditRecord] = rig.state.proposed.compactMap(\.audit).filter {
                $0.eventType == "node.join.refused"
            }
            #expect(audits.count == 3)
        }
    }

    @Test func `refusals that are written down are few, however many come`() async throws {
        try await Self.withRig { rig, loop in
            let token: String = rig.token(.host).text
            for _ in 0..<40 {
                let status: Int = try await rig.join(token, "node2", loop)
                #expect(status == 403)
            }
            #expect((1...2 * Limits.joinAuditsPerMinute).contains(rig.state.proposed.count))
        }
    }

    @Test func `a request that makes no sense is refused, and costs no token`() async throws {
        try await Self.withRig { rig, loop in
            let token: String = rig.token().text
            let good: JSONObject = try #require(try JoinRig.request(token, "node2").json.object)
            func with(_ member: String, _ value: JSONValue?) -> JSONValue {
                var object: JSONObject = good
                object[member] = value
                return .object(object)
            }
            let other: CertificateRequest = try .make(key: .generate(), commonName: "x")
            let pem = String(decoding: other.pem, as: UTF8.self)
            let lines: [Substring] = pem.split(separator: "\n")
            let broken: String = ([lines[0], lines[2], lines[1]] + lines[3...]).joined(separator: "\n")
            let wrong: [JSONValue] = [
                [], "x", with("version", 2), with("version", nil), with("name", ""), with("name", "No Name"),
                with("name", "-x"), with("name", .string(String(repeating: "a", count: 64))), with("name", "../x"),
                with("peer", nil), with("peer", "nowhere"), with("peer", "h:0"), with("http", "h"), with("https", "h"),
                with("advertise", "a b"), with("advertise", nil), with("instance", "12"), with("instance", nil),
                with("advertise", "node1"), with("http", "NODE1:80"), with("certificateRequest", nil),
                with("certificateRequest", "nonsense"),
                with(
                    "certificateRequest",
                    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"
                ),
                with("certificateRequest", .string(broken)),
                with("certificateRequest", .string(String(decoding: rig.authority.certificate.pem, as: UTF8.self))),
            ]
            for (index, value) in wrong.enumerated() {
                let got = await rig.ask(value, loop: loop)
                #expect(got.status == 400 && got.body["type"] == "error", "\(index): \(got.body)")
            }
            #expect(await rig.ask(Array("{".utf8), loop: loop).status == 400)
            #expect(await rig.ask([UInt8](repeating: 0x20, count: Limits.joinBodyBytes + 1), loop: loop).status == 413)
            #expect(await rig.ask([], method: "GET", loop: loop).status == 405)
            var random = SeededRandom(seed: 7)
            let bytes: [UInt8] = JSONWriter.bytes(.object(good))
            for _ in 0..<300 {
                var damaged: [UInt8] = bytes
                damaged[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                guard damaged != bytes, let value = try? JSONReader.parse(damaged), value["token"] != good["token"]
                else {
                    continue
                }
                let status: Int = await rig.ask(damaged, loop: loop).status
                #expect([400, 403].contains(status))
            }
            #expect(rig.state.store.view.records(in: .node).count == 1)
            #expect(await rig.ask(.object(good), loop: loop).status == 201, "the token is still good")
        }
    }

    @Test func `a node with a wrong sealing key lets nobody in and uses up no token`() async throws {
        try await Self.withRig { rig, loop in
            let door = JoinDoor(
                state: rig.state,
                group: JoinRig.group,
                authority: ClusterAuthority(
                    cluster: JoinRig.group.cluster,
                    sealingKey: SealedAuthority.newSealingKey()
                ),
                logger: NodeRig.logger,
                now: { rig.clock.now }
            )
            let request: JoinRequest = try JoinRig.request(rig.token().text, "node2")
            let answer: HTTPResponse = await door.answer(
                HTTPRequest(method: "POST", target: "/join", headers: [:], body: JSONWriter.bytes(request.json)),
                ConnectionInfo(
                    peer: .tcp(host: "192.0.2.9", port: 1),
                    local: .tcp(host: "127.0.0.1", port: 2),
                    stream: SilentStream(loop: loop)
                )
            )
            #expect(answer.status == 503)
            #expect(await rig.ask(request.json, loop: loop).status == 201)
        }
    }
}
