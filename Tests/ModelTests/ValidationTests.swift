import JSON
import Limits
import Model
import Testing

struct ValidationTests {
    /// Stack 3, host 1, container 9 and account 1 exist; the time is 1,000,000.
    static var context: ValidationContext {
        ValidationContext(now: 1_000_000) { type, id in
            id.cluster == nil && ["stack 3", "host 1", "container 9", "account 1"].contains("\(type) \(id.number)")
        }
    }

    static func create(_ type: String, _ text: String) throws -> JSONObject {
        let body: JSONObject = try #require(try JSONReader.parse(text).object)
        return try Validation.create(#require(Schemas.definition(type)), body: body, context: context)
    }

    static let service: String = #""name":"web","stackId":"1st3","launchConfig":{"imageUuid":"docker:web:1"}"#

    static let refused: [(String, String, ValidationCode, String)] = [
        ("service", "{}", .missingRequired, "name"),
        ("service", #"{"name":null}"#, .notNullable, "name"),
        ("service", #"{"name":""}"#, .minLengthExceeded, "name"),
        ("service", #"{"name":"-web"}"#, .invalidCharacters, "name"),
        ("service", #"{"name":"web-"}"#, .invalidCharacters, "name"),
        ("service", #"{"name":"we b"}"#, .invalidCharacters, "name"),
        ("service", #"{"name":"wéb"}"#, .invalidCharacters, "name"),
        ("service", #"{"name":["web"]}"#, .invalidFormat, "name"),
        ("service", #"{"name":"\#(String(repeating: "a", count: 64))"}"#, .maxLengthExceeded, "name"),
        ("service", #"{"name":"web","launchConfig":{}}"#, .missingRequired, "imageUuid"),
        ("service", #"{"name":"web","launchConfig":"x"}"#, .invalidFormat, "launchConfig"),
        ("service", #"{\#(service),"scale":-1}"#, .minLimitExceeded, "scale"),
        ("service", #"{\#(service),"scale":10001}"#, .maxLimitExceeded, "scale"),
        ("service", #"{\#(service),"scale":"many"}"#, .invalidFormat, "scale"),
        ("service", #"{\#(service),"scale":1.5}"#, .invalidFormat, "scale"),
        ("service", #"{\#(service),"scale":1e300}"#, .invalidFormat, "scale"),
        ("service", #"{\#(service),"startOnCreate":"maybe"}"#, .invalidFormat, "startOnCreate"),
        ("service", #"{\#(service),"metadata":[]}"#, .invalidFormat, "metadata"),
        ("service", #"{\#(service),"selectorLink":"a=b"}"#, .notSupported, "selectorLink"),
        ("service", #"{\#(service),"secondaryLaunchConfigs":[{"name":"x"}]}"#, .notSupported, "secondaryLaunchConfigs"),
        ("service", #"{"name":"web","launchConfig":{"imageUuid":"i"},"stackId":"web"}"#, .invalidReference, "stackId"),
        ("service", #"{"name":"web","launchConfig":{"imageUuid":"i"},"stackId":3}"#, .invalidReference, "stackId"),
        ("service", #"{"name":"web","launchConfig":{"imageUuid":"i"},"stackId":"1st4"}"#, .invalidReference, "stackId"),
        (
            "service", #"{"name":"web","launchConfig":{"imageUuid":"i"},"stackId":"1st3c2"}"#, .invalidReference,
            "stackId"
        ),
        ("container", #"{"imageUuid":"i","ports":["80:x"]}"#, .portInvalidPrivatePort, "ports"),
        ("container", #"{"imageUuid":"i","ports":["x:80"]}"#, .portInvalidPublicPort, "ports"),
        ("container", #"{"imageUuid":"i","ports":["80/sctp"]}"#, .portInvalidProtocol, "ports"),
        ("container", #"{"imageUuid":"i","ports":["1:2:3:4"]}"#, .portWrongFormat, "ports"),
        ("container", #"{"imageUuid":"i","ports":[null]}"#, .notNullable, "ports"),
        ("container", #"{"imageUuid":"i","capAdd":["NET_ADMIN","FLY"]}"#, .invalidOption, "capAdd"),
        ("container", #"{"imageUuid":"i","count":101}"#, .maxLimitExceeded, "count"),
        ("container", #"{"imageUuid":"i","command":{}}"#, .invalidFormat, "command"),
        ("container", #"{"imageUuid":"i","environment":{"a":[]}}"#, .invalidFormat, "environment"),
        ("container", #"{"imageUuid":"i","healthCheck":{"port":0}}"#, .minLimitExceeded, "port"),
        ("container", #"{"imageUuid":"i","healthCheck":{"interval":5}}"#, .missingRequired, "port"),
        ("container", #"{"imageUuid":"i","restartPolicy":{"name":"sometimes"}}"#, .invalidOption, "name"),
        ("container", #"{"imageUuid":"i","dataVolumesFrom":["1i9","1i10"]}"#, .invalidReference, "dataVolumesFrom"),
        ("container", #"{"imageUuid":"i","networkMode":null,"tty":{}}"#, .invalidFormat, "tty"),
        ("volume", #"{"name":"data"}"#, .missingRequired, "driver"),
        ("volume", #"{"name":"data","driver":"local","sizeMb":100}"#, .notSupported, "sizeMb"),
        ("stack", #"{"name":"a","dockerCompose":"web: {}"}"#, .notSupported, "dockerCompose"),
        ("project", #"{"name":"a","members":[{"externalId":"1a1","role":"king"}]}"#, .invalidOption, "role"),
        ("project", #"{"name":"a","members":[{"role":"owner"}]}"#, .missingRequired, "externalId"),
        ("account", #"{"kind":"an agent"}"#, .invalidCharacters, "kind"),
    ]

    @Test(arguments: refused)
    func `a bad body is refused with its code and field`(
        _ type: String,
        _ body: String,
        _ code: ValidationCode,
        _ field: String
    ) throws {
        let problem: ValidationProblem? = #expect(throws: ValidationProblem.self) { try Self.create(type, body) }
        #expect(problem?.code == code)
        #expect(problem?.fieldName == field)
        #expect(problem?.status == 422)
        #expect(problem?.message?.isEmpty == false)
    }

    @Test func `a new service gets defaults, numbers and nothing that is not its maker's to set`() throws {
        let made: JSONObject = try Self.create(
            "service",
            #"{\#(Self.service),"id":"1s9","state":"active","currentScale":7,"creatorId":"1a1","nonsense":1,"system":true}"#
        )
        #expect(made["name"] == "web")
        #expect(made["stackId"] == 3)
        #expect(made["scale"] == 1)
        #expect(made["startOnCreate"] == false)
        // Defaults also reach fields that the caller may not set.
        #expect(made["system"] == false)
        for dropped in ["id", "state", "currentScale", "creatorId", "nonsense"] { #expect(made[dropped] == nil) }
    }

    @Test func `a launch configuration keeps what it does not know, and nulls`() throws {
        let made: JSONObject = try Self.create(
            "service",
            #"{"name":"web","stackId":"1st3","launchConfig":{"imageUuid":"docker:web","type":"launchConfig","hostname":null,"future":{"a":[1,null]},"vip":null,"ports":["8080:80"],"memory":"64","labels":{"n":5,"s":"x"},"requestedHostId":"1h1"}}"#
        )
        let config: JSONObject = try #require(made["launchConfig"]?.object)
        #expect(config["future"] == ["a": [1, nil]])
        #expect(config["vip"] == .some(.null))
        #expect(config["hostname"] == .some(.null))
        #expect(config["ports"] == ["8080:80/tcp"])
        #expect(config["memory"] == 64)
        #expect(config["labels"] == ["n": "5", "s": "x"])
        #expect(config["requestedHostId"] == 1)
        #expect(config["networkMode"] == "managed")
        #expect(config["kind"] == "container")
        #expect(config["vcpu"] == 1)
        #expect(config["type"] == nil)
    }

    @Test func `values are coerced leniently`() throws {
        let made: JSONObject = try Self.create(
            "container",
            #"{"imageUuid":5,"tty":"TRUE","stdinOpen":1,"privileged":null,"command":"sh","memory":1e3,"cpuShares":"","stopTimeout":"7","pidMode":"","environment":{"A":true,"B":1.5,"C":null}}"#
        )
        #expect(made["imageUuid"] == "docker:5")
        #expect(made["tty"] == true)
        #expect(made["stdinOpen"] == true)
        #expect(made["privileged"] == false)
        #expect(made["command"] == ["sh"])
        #expect(made["memory"] == 1000)
        #expect(made["cpuShares"] == .some(.null))
        #expect(made["stopTimeout"] == 7)
        #expect(made["pidMode"] == .some(.null))
        #expect(made["environment"] == ["A": "true", "B": "1.5", "C": nil])
    }

    @Test func `the empty forms of what is not supported ask for nothing`() throws {
        let made: JSONObject = try Self.create(
            "service",
            #"{\#(Self.service),"secondaryLaunchConfigs":[],"assignServiceIpAddress":false,"vip":null,"selectorLink":"","lbConfig":{}}"#
        )
        #expect(made["secondaryLaunchConfigs"] == nil && made["vip"] == nil)
    }

    @Test func `fields that the role forbids are dropped, their defaults not`() throws {
        var context: ValidationContext = Self.context
        context.permits = { $0 != "system" && $0 != "externalId" }
        let made: JSONObject = try Validation.create(
            #require(Schemas.definition("stack")),
            body: ["name": "a", "system": true, "externalId": "x"],
            context: context
        )
        #expect(made["system"] == false)
        #expect(made["externalId"] == nil)
    }

    @Test func `free-form members have a bound`() throws {
        let text = String(repeating: "x", count: Limits.freeFormFieldBytes)
        let problem: ValidationProblem? = #expect(throws: ValidationProblem.self) {
            try Self.create("service", #"{\#(Self.service),"metadata":{"a":"\#(text)"}}"#)
        }
        #expect(problem?.code == .maxLimitExceeded)
    }

    static let dates: [(JSONValue, JSONValue?)] = [
        ("2017-04-22T08:00:00Z", 1_492_848_000_000), (1_492_848_000_000, 1_492_848_000_000), ("now", 1_000_000),
        ("", .some(.null)), ("  ", .some(.null)), ("yesterday", nil), (true, nil), (["now"], nil), (.double(1.5), nil),
    ]

    @Test(arguments: dates)
    func `dates have four forms`(_ given: JSONValue, _ stored: JSONValue?) throws {
        let event = ResourceDefinition("event", fields: [FieldDefinition("at", .date, .create)])
        if let stored {
            #expect(try Validation.create(event, body: ["at": given], context: Self.context)["at"] == stored)
        } else {
            let problem: ValidationProblem? = #expect(throws: ValidationProblem.self) {
                try Validation.create(event, body: ["at": given], context: Self.context)
            }
            #expect(problem?.code == .invalidDateFormat)
        }
    }

    @Test func `a required array must not be empty, and elements obey the rules of the field`() {
        let list = ResourceDefinition(
            "list",
            fields: [
                FieldDefinition("of", .array(.string), [.create, .required], minLength: 2, invalidChars: "- ")
            ]
        )
        func code(_ value: JSONValue) -> ValidationCode? {
            do {
                _ = try Validation.create(list, body: ["of": value], context: Self.context)
                return nil
            } catch { return error.code }
        }
        #expect(code([]) == .missingRequired)
        #expect(code(["ab", "c"]) == .minLengthExceeded)
        #expect(code(["ab", "- -"]) == .invalidCharacters)
        #expect(code(["a-b"]) == nil)
    }
}
