import EventLoop
import HTTP
import JSON
import Model
import Testing

@testable import Gateway

@Suite struct InterceptorConfigTests {
    static let example: String = """
        {"requestInterceptors": [
          {"type":"authTokenValidator","paths":["/v2-beta/projects","/v2-beta/projects/{path:.*}"],"methods":["post","delete"]},
          {"type":"http","paths":["/v2-beta/projects/{path:.*}"],"methods":["get","post"],
           "endpoint":"http://policy.internal:8092/check","secretToken":"s3cr3t","timeout":"5"}],
         "destinations": [{"paths":["/v1/services/{id:.*}"],"destinationURL":"http://billing.internal:8080/"}]}
        """

    @Test func `the configuration of the contract reads as it says`() throws {
        let config = try InterceptorConfig(Self.example)
        #expect(config.warnings == [])
        #expect(config.rules.map(\.typeName) == ["authTokenValidator", "http"])
        #expect(config.rules[0].methods == ["POST", "DELETE"])
        let http: InterceptorRule = config.rules[1]
        #expect(http.endpoint?.endpoint == .tcp(host: "policy.internal", port: 8092))
        #expect(http.endpoint?.target == "/check" && http.secretToken == "s3cr3t" && http.timeoutMilliseconds == 5_000)
        #expect(http.failurePolicy == .fail && http.mode == .enforce && !http.passesCredentials && !http.passesSecrets)
        #expect(config.destinations.map(\.address.authority) == ["http://billing.internal:8080"])
        #expect(try InterceptorConfig(" \n").rules.isEmpty)
        #expect(try InterceptorConfig("{}").rules.isEmpty)
        // Names are compared without regard to case.
        let odd: String = Self.example.replacing("secretToken", with: "SECRETTOKEN").replacing("paths", with: "Paths")
        #expect(try InterceptorConfig(odd).rules == config.rules)
    }

    @Test(arguments: [("", 10_000), ("0", 10_000), ("soon", 10_000), ("-1", 10_000), ("3", 3_000), ("600", 10_000)])
    func `a timeout is a text of seconds, within the bound`(_ text: String, _ milliseconds: Int) throws {
        #expect(
            try InterceptorConfig(Self.example.replacing("\"5\"", with: "\"\(text)\"")).rules[1].timeoutMilliseconds
                == milliseconds
        )
    }

    static let http: String = #""type":"http","paths":["/a"],"methods":["get"],"endpoint":"http://h/x""#

    @Test(arguments: [
        ("[]", "a JSON object"), ("{", "not JSON"),
        (#"{"requestInterceptors":{}}"#, "requestInterceptors: it must be a list"),
        (#"{"requestInterceptors":[1]}"#, "requestInterceptors[0]: it must be an object"),
        (#"{"requestInterceptors":[{"paths":["/a"]}]}"#, "requestInterceptors[0].type: it is required"),
        (#"{"requestInterceptors":[{"type":"lua"}]}"#, "requestInterceptors[0].type: lua is not known"),
        (#"{"requestInterceptors":[{"type":"http","paths":["/a"],"methods":["get"]}]}"#, "endpoint: it is required"),
        (#"{"requestInterceptors":[{\#(http),"timeout":5}]}"#, "timeout: it must be a string"),
        (
            #"{"requestInterceptors":[{"type":"authTokenValidator","paths":["/{a:(}"],"methods":["get"]}]}"#,
            "paths[0]: /{a:(}"
        ),
        (#"{"requestInterceptors":[{"type":"authTokenValidator","paths":["/a"],"methods":["g t"]}]}"#, "methods[0]"),
        (#"{"requestInterceptors":[{\#(http),"mode":"dark"}]}"#, "mode: dark is none"),
        (#"{"requestInterceptors":[{\#(http),"failurePolicy":"open"}]}"#, "failurePolicy: open is none"),
        (#"{"requestInterceptors":[{\#(http),"allowAddresses":["everything"]}]}"#, "allowAddresses[0]"),
        (
            #"{"responseInterceptors":[{"type":"authTokenValidator","paths":["/a"],"methods":["get"]}]}"#,
            "http interceptors only"
        ),
        (#"{"destinations":[{"paths":["/a"]}]}"#, "destinations[0].destinationURL: it is required"),
        (#"{"destinations":[{"paths":["/a"],"destinationURL":"http://169.254.169.254/latest"}]}"#, "link-local"),
    ]) func `what is wrong is named with its place`(_ text: String, _ reason: String) {
        do {
            _ = try InterceptorConfig(text)
            Issue.record("\(text) was accepted")
        } catch {
            #expect("\(error)".contains(reason), "\(error)")
        }
    }

    @Test func `what can hardly be meant is a warning`() throws {
        let config = try InterceptorConfig(
            #"{"requestInterceptors":[{"type":"authTokenValidator","paths":["/a"],"failurePolcy":"fail","timeout":"x"}],"shadow":1}"#
        )
        let text: String = config.warnings.joined(separator: "\n")
        for part in [
            "requestInterceptors[0]: without methods", "failurePolcy: there is no such", "timeout: x is no",
            "shadow: there",
        ] {
            #expect(text.contains(part), "\(text)")
        }
    }

    @Test(arguments: [
        "ftp://h/", "http://", "http:///x", "http://u:p@h/", "http://h:0/", "http://h:99999/", "http://h:x/",
        "http://2130706433/",
        "http://0x7f.0.0.1/", "http://127.1/", "http://0177.0.0.1/", "http://[::1", "http://[1.2.3.4]/", "http://h/ x",
        "http://h/#a",
        "http://h.0x1/", "h:80",
    ]) func `an address in an odd spelling is none`(_ text: String) {
        #expect(throws: PathFault.self) { try OutboundAddress(text) }
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("10.0.0.7", true), ("192.168.3.4", true), ("8.8.8.8", true), ("::1", true),
        ("2001:db8::1", true),
        ("169.254.169.254", false), ("169.254.0.1", false), ("0.0.0.0", false), ("0.1.2.3", false),
        ("224.0.0.1", false),
        ("255.255.255.255", false), ("::", false), ("fe80::1", false), ("febf::1", false), ("ff02::1", false),
        ("::ffff:169.254.169.254", false), ("::ffff:a9fe:a9fe", false), ("64:ff9b::169.254.169.254", false),
        ("fd00:ec2::254", false), ("100.100.100.200", false), ("::ffff:10.0.0.7", true), ("host", false),
    ]) func `what clouds and links answer to everybody is not called`(_ address: String, _ isCalled: Bool) throws {
        #expect((AddressRule.refusal(of: address, allowed: []) == nil) == isCalled, "\(address)")
        let all: [AddressRange] = try ["0.0.0.0/0", "::/0"].map { try #require(AddressRange($0)) }
        #expect((AddressRule.refusal(of: address, allowed: all) == nil) == (address != "host"))
    }

    @Test func `every spelling of one address meets the same interceptors`() throws {
        let template = try PathTemplate("/v2-beta/projects/1a5/services/1s7")
        let spellings: [String] = [
            "/v2-beta/projects/1a5/services/1s7", "/v2-beta/projects/1a5/services/1s7/",
            "/v2-beta//projects/1a5///services/1s7",
            "/v2-beta/PROJECTS/1x5/Service/1zz7", "/v2-beta/project/1a5/services/1s7/",
            "/v2-beta/projects/1a5/servic%65s/1s7", "/v1/projects/1a5/services/1s7",
        ]
        for text in spellings {
            let request = HTTPRequest(method: "GET", target: text)
            let segments: [String] = try #require(request.segments)
            let spelled = RequestSpellings(
                request,
                segments: segments,
                method: "GET",
                api: APIPath(segments: segments),
                project: nil
            )
            #expect(spelled.fits(template), "\(text)")
        }
        // The environment by header or key.
        let short = HTTPRequest(method: "GET", target: "/v2-beta/services/1s7")
        let segments: [String] = try #require(short.segments)
        let api: APIPath? = APIPath(segments: segments)
        #expect(RequestSpellings(short, segments: segments, method: "GET", api: api, project: 5).fits(template))
        #expect(!RequestSpellings(short, segments: segments, method: "GET", api: api, project: nil).fits(template))
        // A container is an instance.
        let one = HTTPRequest(method: "PUT", target: "/v2-beta/instances/1i7")
        let parts: [String] = try #require(one.segments)
        let spelled = RequestSpellings(one, segments: parts, method: "PUT", api: APIPath(segments: parts), project: nil)
        #expect(spelled.fits(try PathTemplate("/v2-beta/containers/{id}")))
    }

    private func route(_ config: String, _ method: String, _ path: String) throws -> InterceptorTable.Route {
        let request = HTTPRequest(method: method, target: path)
        let segments: [String] = try #require(request.segments)
        return InterceptorTable(try InterceptorConfig(config)).route(
            RequestSpellings(
                request,
                segments: segments,
                method: method,
                api: APIPath(segments: segments),
                project: nil
            )
        )
    }

    @Test func `interceptors come in the order of the file, equal ones once, and methods count`() throws {
        let config: String = """
            {"requestInterceptors":[
             {"type":"http","name":"one","paths":["/a/{x:.*}"],"methods":["GET","post"],"endpoint":"http://h/1"},
             {"type":"http","name":"two","paths":["/a/b"],"methods":["post"],"endpoint":"http://h/2"},
             {"type":"http","name":"again","paths":["/a/{y}"],"methods":["post"],"endpoint":"http://h/1"},
             {"type":"http","name":"three","paths":["/a/{z}"],"methods":["post"],"endpoint":"http://h/1","secretToken":"k"}]}
            """
        #expect(try route(config, "POST", "/a/b").requests.map(\.name) == ["one", "two", "three"])
        #expect(try route(config, "GET", "/a/b").requests.map(\.name) == ["one"])
        #expect(try route(config, "HEAD", "/a/b").requests.map(\.name) == ["one"])
        #expect(try route(config, "DELETE", "/a/b").isEmpty)
        #expect(try route(config, "POST", "/b").isEmpty)
    }

    @Test func `a destination is found by the handling template, else by its own`() throws {
        let config: String = """
            {"requestInterceptors":[{"type":"authTokenValidator","paths":["/a/{x:.*}"],"methods":["get"]}],
             "destinations":[{"paths":["/a/b","/c/{y}"],"destinationURL":"http://plain"},
                             {"paths":["/a/{x:.*}"],"destinationURL":"http://named"}]}
            """
        #expect(try route(config, "GET", "/a/b").destination?.address.host == "named")
        #expect(try route(config, "GET", "/a/z").destination?.address.host == "named")
        #expect(try route(config, "POST", "/a/b").destination?.address.host == "plain")
        #expect(try route(config, "GET", "/c/1").destination?.address.host == "plain")
        #expect(try route(config, "GET", "/c/1/2").destination == nil)
    }

    @Test func `secrets are hidden from an interceptor and come back from it`() {
        let body: JSONObject = [
            "name": "web", "password": "p1", "nested": ["dbPassword": "p2", "list": ["a"]], "tokens": ["t1", "t2"],
            "count": 3,
        ]
        let shown: JSONObject = SecretMask.hidden(body)
        #expect(!String(decoding: JSONWriter.bytes(.object(shown)), as: UTF8.self).contains("p1"))
        #expect(shown["nested"]?["dbPassword"] == "***" && shown["tokens"] == ["***", "***"] && shown["name"] == "web")
        #expect(SecretMask.restored(shown, from: body) == body)
        var changed: JSONObject = shown
        changed["password"] = "new"
        changed["name"] = "***"
        let back: JSONObject = SecretMask.restored(changed, from: body)
        #expect(back["password"] == "new" && back["name"] == "***" && back["nested"]?["dbPassword"] == "p2")
    }

    @Test func `a trace that a client names goes on, and anything else is none`() {
        let given: String = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        #expect(TraceContext(given)?.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(TraceContext(given)?.outgoing().hasPrefix("00-4bf92f3577b34da6a3ce929d0e0e4736-") == true)
        #expect(TraceContext(given)?.outgoing() != given)
        #expect(TraceContext("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-future") != nil)
        for bad in [
            "", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-" + String(repeating: "0", count: 32) + "-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] { #expect(TraceContext(bad) == nil, "\(bad)") }
    }

    @Test func `ids of requests to interceptors are UUIDs of time, each another one`() {
        let ids: Set<String> = Set((0..<1_000).map { _ in TimeUUID.make(1_492_848_000_000) })
        #expect(ids.count == 1_000)
        for id in ids {
            let parts: [Substring] = id.split(separator: "-")
            #expect(parts.map(\.count) == [8, 4, 4, 4, 12] && parts[2].first == "1")
        }
    }
}
