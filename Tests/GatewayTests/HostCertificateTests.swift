import Bytes
import Certificates
import EventLoop
import Gateway
import HTTP
import JSON
import Logging
import Model
import Store
import StoreFormat
import TLS
import Testing
import WebSocket

@Suite(.timeLimit(.minutes(2))) struct HostCertificateTests {
    /// A request in PEM, and its key.
    static func request() throws -> (text: JSONValue, key: PrivateKey) {
        let key = try PrivateKey.generate()
        let pem: [UInt8] = try CertificateRequest.make(key: key, commonName: "drover://aa/host/999").pem
        return (.string(String(decoding: pem, as: UTF8.self)), key)
    }

    /// Registers a host; its number, its answer and what it would show in a handshake.
    static func host(_ world: World, _ uuid: String = "a") async throws -> (number: UInt64, Answer, TLSIdentity) {
        let token: String = try await HostTests.token(world).token
        let (text, key): (JSONValue, PrivateKey) = try request()
        let answer: Answer = await HostTests.register(world, token, ["key": .string(uuid), "certificateRequest": text])
        #expect(answer.status == 201, "\(answer)")
        let number: UInt64 = try #require(ResourceID(answer["hostId"]?.string ?? "")?.number)
        return (number, answer, try identity(answer, key))
    }

    static func identity(_ answer: Answer, _ key: PrivateKey) throws -> TLSIdentity {
        let pem: [UInt8] = Array("\(answer["certificate"]?.string ?? "")\(answer["authority"]?.string ?? "")".utf8)
        return TLSIdentity(certificates: try Certificate.bundle(pem: pem), key: key)
    }

    @Test func `whoever wants to trust the cluster can have its certificate`() async throws {
        let authority = try TestAuthority()
        let world = World(certificates: authority)
        for version in ["v1", "v2-beta"] {
            let answer: Answer = await world.get("/\(version)/scripts/ca.crt", as: .nobody)
            #expect(answer.status == 200 && answer.bytes == authority.authority.certificate.pem)
            #expect(answer.headers["content-type"] == "text/plain")
        }
        #expect(await World().get("/v2-beta/scripts/ca.crt", as: .nobody).status == 404)
    }

    @Test func `a token names the authority in its fourth part, and is good with it and without it`() async throws {
        let authority = try TestAuthority()
        let world = World(certificates: authority)
        let answer: Answer = await world.post("\(World.home)/registrationtokens", as: .ann)
        let token: String = try #require(answer["token"]?.string)
        let parts: [Substring] = token.split(separator: ":")
        #expect(parts.count == 4 && parts[3] == Hex.encode(authority.authority.certificate.fingerprint))
        #expect(answer["command"]?.string?.contains("--token \(token)") == true)
        #expect(await world.get("/v2-beta/scripts/\(token)", as: .nobody).text.contains("SECRET_KEY=\"\(token)\""))
        let three: String = parts.prefix(3).joined(separator: ":")
        let otherPin: String = "\(three):\(String(repeating: "0", count: 64))"
        for good in [token, three, otherPin] {
            #expect(await HostTests.register(world, good, ["key": "a"]).status == 201, "\(good)")
        }
        let long: String = String(repeating: "0", count: 65)
        for bad in ["", "xyz", long, String(long.dropLast(2)), String(repeating: "A", count: 64)] {
            #expect(await HostTests.register(world, "\(three):\(bad)", ["key": "a"]).status == 401, "\(bad)")
        }
        #expect(await HostTests.register(world, "\(token):\(parts[3])", ["key": "a"]).status == 401)
    }

    @Test func `registering answers with a certificate for the number that the server gave, and with the servers`()
        async throws
    {
        let authority = try TestAuthority()
        let world = World(certificates: authority, servers: TestServers(baseURLs: ["https://a:1", "http://a:2"]))
        let (number, answer, identity): (UInt64, Answer, TLSIdentity) = try await Self.host(world)
        #expect(identity.certificates[0].uris == ["drover://\(authority.cluster)/host/\(number)"])
        #expect(identity.certificates[0].isIssued(by: authority.authority.certificate))
        #expect(answer["servers"] == ["https://a:1", "http://a:2"])
        #expect(answer["secretKey"]?.string?.isEmpty == false, "the key is the way back")
        // The same uuid is the same host, with a new certificate.
        let (again, _, second): (UInt64, Answer, TLSIdentity) = try await Self.host(world)
        #expect(again == number && second.certificates[0] != identity.certificates[0])
    }

    @Test func `what is no request is refused before a host is made, and an authority that cannot sign says so`()
        async throws
    {
        let world = World(certificates: try TestAuthority())
        let token: String = try await HostTests.token(world).token
        let count: Int = world.node.changes.count
        for bad: JSONValue in [
            "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", [1],
        ] {
            let answer: Answer = await HostTests.register(world, token, ["key": "a", "certificateRequest": bad])
            #expect(answer.status == 422 && answer.field == "certificateRequest", "\(answer)")
        }
        #expect(world.node.changes.count == count)
        let shut = World(certificates: try TestAuthority(isOpen: false))
        let answer: Answer = await HostTests.register(
            shut,
            try await HostTests.token(shut).token,
            ["key": "a", "certificateRequest": try Self.request().text]
        )
        #expect(answer.status == 503, "\(answer)")
        let none = World()
        let plain: Answer = await HostTests.register(
            none,
            try await HostTests.token(none).token,
            ["key": "a", "certificateRequest": try Self.request().text]
        )
        #expect(plain.status == 201 && plain["certificate"] == nil)
    }

    @Test func `a host renews with its certificate or with its key, and a removed one gets none`() async throws {
        let authority = try TestAuthority()
        let world = World(certificates: authority)
        let (number, made, identity): (UInt64, Answer, TLSIdentity) = try await Self.host(world)
        try await Served.run(world, wrapper: try authority.wrapper()) { served in
            let certified: HTTPClient = try authority.client(identity)
            let keyed: HTTPClient = try authority.client(nil)
            let key: String = World.basic(made["accessKey"]?.string ?? "", made["secretKey"]?.string ?? "")
            func renew(_ client: HTTPClient, _ authorization: String?) async throws -> Answer {
                var headers: HTTPHeaders = ["Host": "h"]
                if let authorization { headers["Authorization"] = authorization }
                let request = HTTPRequest(
                    method: "POST",
                    target: "/v2-beta/hostcertificates",
                    headers: headers,
                    body: JSONWriter.bytes(["certificateRequest": try Self.request().text])
                )
                let response: HTTPClientResponse = try await client.send(request, to: served.server.endpoint)
                return Answer(HTTPResponse(status: response.status, headers: response.headers, body: response.body))
            }
            for (client, authorization) in [(certified, nil), (keyed, key)] {
                let answer: Answer = try await renew(client, authorization)
                #expect(answer.status == 201, "\(answer)")
                let new = try Certificate(pem: Array((answer["certificate"]?.string ?? "").utf8))
                #expect(new.uris == ["drover://\(authority.cluster)/host/\(number)"])
            }
            let audit: AuditRecord = try #require(world.node.lastChange?.audit)
            #expect(audit.eventType == "api.host.certify" && audit.resourceID == number)
            #expect(try await renew(keyed, nil).status == 401)
            try world.change(.host, number, ["removed": 7])
            #expect(try await renew(certified, nil).status == 401)
            #expect(try await renew(keyed, key).status == 403)
            certified.close()
            keyed.close()
        }
    }

    @Test func `a host's certificate opens its stream and nothing else, until the host is removed`() async throws {
        let authority = try TestAuthority()
        let world = World(certificates: authority)
        let (number, _, identity): (UInt64, Answer, TLSIdentity) = try await Self.host(world)
        try await Served.run(world, wrapper: try authority.wrapper()) { served in
            let client: HTTPClient = try authority.client(identity)
            let socket: WebSocket = try await WebSocket.connect(
                to: served.server.endpoint,
                target: "/v2-beta/hoststream",
                client: client
            )
            #expect(try await socket.receive() == .text("host 1h\(number) of 1a5"))
            for path in ["/v2-beta/stacks", "/v2-beta/schemas", "/v2-beta/hosts", "/v2-beta/register"] {
                #expect(try await Self.get(path, client, served).status == 404, "\(path)")
            }
            #expect(try await Self.get("\(World.home)/hosts", client, served).status == 403)
            try world.change(.host, number, ["removed": 7])
            #expect(try await Self.get("/v2-beta/hoststream", client, served).status == 401)
            #expect(try await socket.receive() == nil, "the open stream is cut")
            client.close()
        }
    }

    static func get(_ path: String, _ client: HTTPClient, _ served: Served) async throws -> HTTPClientResponse {
        try await client.send(HTTPRequest(method: "GET", target: path), to: served.server.endpoint)
    }

    @Test(arguments: ["00000000000000aa/node/1", "00000000000000bb/host/3", "00000000000000aa/host/999", "else"])
    func `who is no host of this cluster is nobody, also while access control is off, and is told of in the log`(
        name: String
    ) async throws {
        let authority = try TestAuthority()
        for settings in [[], [("api.security.enabled", "false")]] {
            let world = World(settings: settings, certificates: authority)
            try await Served.run(world, wrapper: try authority.wrapper()) { served in
                let client: HTTPClient = try authority.client(try authority.identity(name))
                #expect(try await Self.get("/v2-beta/stacks", client, served).status == 401)
                #expect(try await Self.get("/v2-beta/hoststream", client, served).status == 401)
                client.close()
            }
            #expect(world.log.records.contains { $0.message == "certificate refused" })
        }
    }

    @Test func `a certificate of a foreign authority does not get through the handshake`() async throws {
        let authority = try TestAuthority()
        let foreign = try TestAuthority()
        let world = World(certificates: authority)
        try await Served.run(world, wrapper: try authority.wrapper()) { served in
            let client: HTTPClient = try authority.client(try foreign.identity("00000000000000aa/host/3"))
            await #expect(throws: (any Error).self) { try await Self.get("/v2-beta/stacks", client, served) }
            client.close()
        }
    }

    @Test func `over https the addresses in documents are https`() async throws {
        let authority = try TestAuthority()
        try await Served.run(World(certificates: authority), wrapper: try authority.wrapper()) { served in
            let client: HTTPClient = try authority.client(nil)
            let body: [UInt8] = try await Self.get("/", client, served).body
            #expect(try JSONReader.parse(body)["links"]?["self"]?.string?.hasPrefix("https://") == true)
            client.close()
        }
    }
}
