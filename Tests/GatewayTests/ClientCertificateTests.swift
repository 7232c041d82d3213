import Certificates
import EventLoop
@testable import Gateway
import HTTP
import JSON
import Logging
import Model
import RBAC
import Store
import StoreFormat
import TLS
import TestSupport
import Testing
import WebSocket

@Suite(.timeLimit(.minutes(2))) struct ClientCertificateTests {
    /// Somebody with a certificate.
    struct Holder {
        var id: String
        var serial: String
        var identity: TLSIdentity
    }

    /// Has a certificate made for whoever asks, or for another account.
    static func make(
        _ world: World,
        as who: World.Who = .ann,
        _ more: JSONObject = [:]
    ) async throws -> Holder {
        let key = try PrivateKey.generate()
        // Whatever name the request carries is not believed.
        let request = try CertificateRequest.make(key: key, commonName: "account 1")
        var body: JSONObject = ["certificateRequest": .string(String(decoding: request.pem, as: UTF8.self))]
        for (name, value) in more { body[name] = value }
        let answer: Answer = await world.post("/v2-beta/clientcertificates", .object(body), as: who)
        try #require(answer.status == 201, "\(answer)")
        let certificate = try Certificate(pem: Array(try #require(answer["certificate"]?.string).utf8))
        #expect(answer["publicValue"]?.string == certificate.serial)
        return Holder(
            id: try #require(answer["id"]?.string),
            serial: certificate.serial,
            identity: TLSIdentity(certificates: [certificate], key: key)
        )
    }

    private static func remove(_ holder: Holder, _ world: World) async throws {
        let path: String = "/v2-beta/clientcertificates/\(holder.id)"
        #expect(await world.delete(path, as: .ann).status == 405, "active")
        try #require(await world.post("\(path)?action=deactivate", as: .ann).status == 202)
        try #require(await world.delete(path, as: .ann).status == 200)
    }

    /// Asks over one connection as long as it lives.
    static func ask(
        _ path: String,
        _ client: HTTPClient,
        _ served: Served,
        _ method: String = "GET",
        _ headers: HTTPHeaders = [:],
        _ body: JSONValue? = nil
    ) async throws -> Answer {
        var headers: HTTPHeaders = headers
        headers["Host"] = "drover.test"
        let response: HTTPClientResponse = try await client.send(
            HTTPRequest(method: method, target: path, headers: headers, body: body.map { JSONWriter.bytes($0) } ?? []),
            to: served.server.endpoint
        )
        return Answer(HTTPResponse(status: response.status, headers: response.headers, body: response.body))
    }

    private static func requestText() throws -> JSONValue { try HostCertificateTests.request().text }

    @Test func `whoever shows a certificate is its account, with all of its rights and no other's`() async throws {
        let authority = try TestAuthority()
        let world = World(certificates: authority)
        let ann: Holder = try await Self.make(world)
        try await Served.run(world, wrapper: try authority.wrapper()) { served in
            let client: HTTPClient = try authority.client(ann.identity)
            let accounts: Answer = try await Self.ask("/v2-beta/accounts", client, served)
            #expect(accounts.headers["X-API-User-Id"] == "1a20", "\(accounts)")
            #expect(try await Self.ask("\(World.home)/stacks", client, served).status == 200)
            #expect(try await Self.ask("/v2-beta/projects/1a30/stacks", client, served).status == 403)
            #expect(await world.get("/v2-beta/accounts/1a21", as: .ann).status == 404)
            #expect(try await Self.ask("/v2-beta/accounts/1a21", client, served).status == 404)
            let made: Answer = try await Self.ask(
                "\(World.home)/stacks",
                client,
                served,
                "POST",
                [:],
                ["name": "by-certificate"]
            )
            #expect(made.status == 201, "\(made)")
            let audit: AuditRecord = try #require(world.node.lastChange?.audit)
            #expect(audit.authType == "clientCertificate" && audit.credential == ann.id)
            #expect(String(decoding: audit.requestObject, as: UTF8.self).contains("\"certificate\":\"\(ann.serial)\""))
            // What is for hosts is not for people.
            #expect(try await Self.ask("/v2-beta/hoststream", client, served).status == 403)
            let host: Answer = try await Self.ask(
                "/v2-beta/hostcertificates",
                client,
                served,
                "POST",
                [:],
                ["certificateRequest": try Self.requestText()]
            )
            #expect([403, 404].contains(host.status), "\(host)")
            client.close()
        }
    }

    @Test func `a request's own credentials count before the connection's certificate, also when they are wrong`()
        async throws
    {
        let authority = try TestAuthority()
        let world = World(certificates: authority)
        let ann: Holder = try await Self.make(world)
        try await Served.run(world, wrapper: try authority.wrapper()) { served in
            let client: HTTPClient = try authority.client(ann.identity)
            for (header, expected) in [
                (World.credentials(.bob), "1a21"), (World.basic("bob-key", "wrong"), nil), (nil, "1a20"),
            ] {
                let headers: HTTPHeaders = header.map { ["Authorization": $0] } ?? [:]
                let answer: Answer = try await Self.ask("/v2-beta/accounts", client, served, "GET", headers)
                #expect(answer.status == (expected == nil ? 401 : 200), "\(answer)")
                #expect(answer.headers["X-API-User-Id"] == expected)
            }
            client.close()
        }
    }

    @Test(arguments: ["deactivate", "remove", "account", "authority", "expiry"])
    func `an open connection is nobody's as soon as its certificate is revoked, and so are its streams`(
        how: String
    ) async throws {
        let authority = try TestAuthority()
        let world = World(certificates: authority)
        let ann: Holder = try await Self.make(world)
        try await Served.run(world, wrapper: try authority.wrapper()) { served in
            let client: HTTPClient = try authority.client(ann.identity)
            #expect(try await Self.ask("/v2-beta/accounts", client, served).status == 200)
            let listener = Listener(
                try await WebSocket.connect(
                    to: served.server.endpoint,
                    target: "\(World.home)/subscribe?eventNames=resource.change",
                    client: client
                )
            )
            switch how {
            case "deactivate":
                let answer: Answer = await world.post(
                    "/v2-beta/clientcertificates/\(ann.id)?action=deactivate",
                    as: .ann
                )
                #expect(answer.status == 202, "\(answer)")
            case "remove":
                try await Self.remove(ann, world)
            case "account": #expect(await world.post("/v2-beta/accounts/1a20?action=deactivate").status == 202)
            case "authority":
                authority.believe(["the second"])
                // The authority is in this record: another one is another state of it.
                try world.change(.clusterKeys, 6, ["authority": "another"])
                try world.change(.account, 20, ["description": "rings the bell"])
            default:
                world.clock.advance(31 * 86_400_000)
                try world.change(.account, 20, ["description": "rings the bell"])
            }
            #expect(try await Self.ask("/v2-beta/accounts", client, served).status == 401)
            #expect(await eventually(seconds: 20) { await listener.isOver }, "the stream goes on")
            #expect(world.log.records.contains { $0.message == "certificate refused" })
            client.close()
        }
    }

    @Test func `while the authority is being replaced both are believed`() async throws {
        let authority = try TestAuthority()
        let world = World(certificates: authority)
        let ann: Holder = try await Self.make(world)
        authority.believe(["the second", "the first"])
        try world.change(.clusterKeys, 6, ["authority": "another"])
        try await Served.run(world, wrapper: try authority.wrapper()) { served in
            let client: HTTPClient = try authority.client(ann.identity)
            #expect(try await Self.ask("/v2-beta/accounts", client, served).status == 200)
            client.close()
        }
    }

    @Test func `a certificate of the authority without a record, or with another account's, is nobody's`() async throws
    {
        let authority = try TestAuthority()
        for settings in [[], [("api.security.enabled", "false")]] {
            let world = World(settings: settings, certificates: authority)
            let bob: Holder = try await Self.make(world, as: .bob)
            try await Served.run(world, wrapper: try authority.wrapper()) { served in
                let unknown: HTTPClient = try authority.client(
                    try authority.identity("\(authority.cluster)/1/account/20")
                )
                #expect(try await Self.ask("/v2-beta/accounts", unknown, served).status == 401)
                unknown.close()
                try world.change(.credential, try #require(ResourceID(bob.id)?.number), ["accountId": 20])
                let moved: HTTPClient = try authority.client(bob.identity)
                #expect(try await Self.ask("/v2-beta/accounts", moved, served).status == 401)
                moved.close()
            }
        }
    }

    @Test func `one has certificates for oneself, an administrator for everybody, and environments and keys are none`()
        async throws
    {
        let world = World(certificates: try TestAuthority())
        func post(_ who: World.Who, _ account: String?) async throws -> Answer {
            var body: JSONObject = ["certificateRequest": try Self.requestText()]
            if let account { body["accountId"] = .string(account) }
            return await world.post("/v2-beta/clientcertificates", .object(body), as: who)
        }
        #expect(try await post(.admin, "1a21")["accountId"] == "1a21")
        // What they may not choose is left out, as for keys: it is made for themselves.
        #expect(try await post(.bob, "1a1")["accountId"] == "1a21")
        #expect(try await post(.project, nil).status == 404)
        #expect(try await post(.nobody, nil).status == 401)
        let project: Answer = try await post(.admin, "1a5")
        #expect(project.status == 422 && project.field == "accountId", "\(project)")
        // Others do not see it.
        let ann: Holder = try await Self.make(world)
        #expect(await world.get("/v2-beta/clientcertificates/\(ann.id)", as: .bob).status == 404)
        #expect(await world.delete("/v2-beta/clientcertificates/\(ann.id)", as: .bob).status == 404)
        #expect(await world.get("/v2-beta/clientcertificates/\(ann.id)", as: .ann)["state"] == "active")
        // Its serial number is no key's name.
        let basic: HTTPHeaders = ["Authorization": World.basic(ann.serial, "")]
        #expect(await world.send("GET", "/v2-beta/accounts", as: .nobody, headers: basic).status == 401)
    }

    @Test func `it lives thirty days, or as long as is asked between an hour and ninety days`() async throws {
        let world = World(certificates: try TestAuthority())
        let day: Int64 = 86_400_000
        func expires(_ after: Int64?) async throws -> Answer {
            var body: JSONObject = ["certificateRequest": try Self.requestText()]
            if let after { body["expires"] = .string(StoredDate.text(World.started + after)) }
            return await world.post("/v2-beta/clientcertificates", .object(body), as: .ann)
        }
        #expect(try await expires(nil)["expires"]?.string == StoredDate.text(World.started + 30 * day))
        for good in [3_600_000, day, 90 * day] {
            #expect(try await expires(good)["expires"]?.string == StoredDate.text(World.started + good))
        }
        for bad in [-1, 0, 3_000_000, 91 * day] {
            let answer: Answer = try await expires(bad)
            #expect(answer.status == 422 && answer.field == "expires", "\(bad): \(answer)")
        }
    }

    @Test func `what is no request is refused before anything is changed, and an authority that cannot sign says so`()
        async throws
    {
        let world = World(certificates: try TestAuthority())
        let count: Int = world.node.changes.count
        // Signed by another key than the one it asks for.
        let (one, other): (JSONValue, JSONValue) = (try Self.requestText(), try Self.requestText())
        let halves: (String, String) = (one.string ?? "", other.string ?? "")
        let forged: String = String(halves.0.prefix(150)) + String(halves.1.dropFirst(150))
        for bad: JSONValue in ["x", nil, "", .string(forged), "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"] {
            let answer: Answer = await world.post("/v2-beta/clientcertificates", ["certificateRequest": bad], as: .ann)
            #expect(answer.status == 422 && answer.field == "certificateRequest", "\(answer)")
        }
        #expect(world.node.changes.count == count)
        for shut in [World(certificates: try TestAuthority(isOpen: false)), World()] {
            let answer: Answer = await shut.post("/v2-beta/clientcertificates", ["certificateRequest": one], as: .ann)
            #expect(answer.status == 503, "\(answer)")
        }
    }

    @Test func `an account has a hundred certificates at most, of which the removed and the old do not count`()
        async throws
    {
        let world = World(certificates: try TestAuthority())
        var last: Holder = try await Self.make(world)
        for index in 1..<100 { world.node.write([Self.stored(index, expires: World.started + 9_000_000)]) }
        func post() async throws -> Int {
            await world.post(
                "/v2-beta/clientcertificates",
                ["certificateRequest": try Self.requestText()],
                as: .ann
            ).status
        }
        #expect(try await post() == 409)
        try await Self.remove(last, world)
        last = try await Self.make(world)
        #expect(try await post() == 409)
        world.clock.advance(10_000_000)
        #expect(try await post() == 201)
    }

    private static func stored(_ index: Int, expires: Int64) -> Write {
        RecordWriting.put(
            .credential,
            .known(500 + UInt64(index)),
            [
                "kind": "clientCertificate", "state": "active", "accountId": 20, "created": 1, "removed": nil,
                "publicValue": .string("serial\(index)"), "expires": .int(expires), "uuid": .string("c\(index)"),
            ],
            scope: .known(0)
        )
    }

    @Test func `a browser shows its certificate to any page that asks, so changes carry what no foreign page can send`()
        async throws
    {
        let authority = try TestAuthority()
        let world = World(certificates: authority)
        let ann: Holder = try await Self.make(world)
        try await Served.run(world, wrapper: try authority.wrapper()) { served in
            let client: HTTPClient = try authority.client(ann.identity)
            func post(_ headers: HTTPHeaders) async throws -> Int {
                try await Self.ask("\(World.home)/stacks", client, served, "POST", headers, ["name": "a"]).status
            }
            let form: String = "application/x-www-form-urlencoded"
            let browser: String = "Mozilla/5.0"
            #expect(try await post(["User-Agent": browser, "Content-Type": form]) == 415)
            #expect(try await post(["User-Agent": browser, "Content-Type": "text/plain"]) == 415)
            #expect(
                try await post([
                    "User-Agent": browser, "Content-Type": "application/json", "Origin": "https://elsewhere.test",
                ]) == 403
            )
            #expect(try await post(["User-Agent": browser, "Content-Type": "application/json"]) == 201)
            client.close()
        }
    }

    @Test func `what one node tells another of a certificate is read as it was written, and nothing else is somebody`()
    {
        let person = CertifiedPerson(account: 7, serial: "4fa0", notAfter: 99)
        #expect(CertifiedPeer(forwarded: CertifiedPeer.person(person).forwarded) == .person(person))
        let host = CertifiedHost(number: 7, notAfter: 99)
        #expect(CertifiedPeer(forwarded: CertifiedPeer.host(host).forwarded) == .host(host))
        for bad in [
            "person/7/99", "person/7/99/", "person/7/99/4FA0", "person/7/99/4fa0/", "person/-7/99/4fa0",
            "person/7/x/4fa0", "host/7/99/4fa0", "other/7/99", "person//99/4fa0", "",
        ] {
            #expect(CertifiedPeer(forwarded: bad) == .other(bad), "\(bad)")
        }
    }

    @Test func `metrics that are for accounts are for those with certificates, too`() async throws {
        let authority = try TestAuthority()
        let world = World(settings: [("metrics.access", "accounts")], certificates: authority)
        let ann: Holder = try await Self.make(world)
        let gateway: Gateway = world.gateway
        let server: HTTPServer = try HTTPServer.start(
            on: .tcp(host: "127.0.0.1", port: 0),
            loops: World.loops,
            wrapper: try authority.wrapper(),
            handler: { request, connection in gateway.metricsRefusal(request, connection) ?? .text(200, "figures") }
        )
        for (identity, status) in [
            (ann.identity, 200), (nil, 401), (try authority.identity("\(authority.cluster)/host/3"), 401),
        ] {
            let client: HTTPClient = try authority.client(identity)
            let answer: HTTPClientResponse = try await client.send(
                HTTPRequest(method: "GET", target: "/metrics"),
                to: server.endpoint
            )
            #expect(answer.status == status)
            client.close()
        }
        await server.stop(graceMilliseconds: 0)
    }
}
