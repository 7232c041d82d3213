import JSON
import Limits

/// The setting `api.interceptor.config`, read (contract A20).
struct InterceptorConfig: Hashable, Sendable {
    var rules: [InterceptorRule] = []
    var destinations: [DestinationRule] = []
    /// What is allowed and yet can hardly be meant.
    var warnings: [String] = []

    static let setting: String = "api.interceptor.config"

    /// What is wrong, by its place: `requestInterceptors[1].paths[0]: …`.
    struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        var place: String
        var reason: String
        var description: String { place.isEmpty ? reason : "\(place): \(reason)" }
    }

    /// A blank text is a configuration without interceptors.
    init(_ text: String) throws(Fault) {
        guard text.contains(where: { !$0.isWhitespace }) else {
            self = .none
            return
        }
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONReader.parse(Array(text.utf8))
        } catch {
            throw Fault(place: "", reason: "it is not JSON: \(error)")
        }
        guard let object: JSONObject = document.object else {
            throw Fault(place: "", reason: "it must be a JSON object, in braces")
        }
        self = try InterceptorConfig(object)
    }

    /// Nobody is asked.
    static let none = InterceptorConfig()

    private init() {}

    init(_ object: JSONObject) throws(Fault) {
        self.init()
        let members = Members(object, place: "")
        for phase in [InterceptorRule.Phase.request, .response] {
            for (index, element) in try members.objects(phase.rawValue, Limits.interceptors).enumerated() {
                rules.append(try Self.rule(phase, index, element, &warnings))
            }
        }
        for (index, element) in try members.objects("destinations", Limits.interceptors).enumerated() {
            destinations.append(try Self.destination(index, element, &warnings))
        }
        warnings += members.unknown(["requestInterceptors", "responseInterceptors", "destinations"])
        if rules.contains(where: { rule in
            rule.phase == .response && rule.endpoint == nil
        }) {
            throw Fault(place: "responseInterceptors", reason: "answers are shown to http interceptors only")
        }
    }

    private static let ruleKeys: [String] = [
        "type", "paths", "methods", "endpoint", "secretToken", "timeout", "name", "failurePolicy", "mode",
        "passCredentials", "passSecrets", "allowAddresses", "audience",
    ]

    private static func rule(
        _ phase: InterceptorRule.Phase,
        _ index: Int,
        _ members: Members,
        _ warnings: inout [String]
    ) throws(Fault) -> InterceptorRule {
        let allowed: [AddressRange] = try members.addresses()
        let kind: InterceptorRule.Kind
        switch try members.text("type") {
        case "authTokenValidator": kind = .authTokenValidator
        case "http": kind = .http(try members.address("endpoint", allowed))
        case let type?: throw members.fault("type", "\(type) is not known; it is http or authTokenValidator")
        case nil: throw members.fault("type", "it is required: http or authTokenValidator")
        }
        let templates: [PathTemplate] = try members.templates()
        let methods: [String] = try members.texts("methods").map { $0.uppercased() }
        for (place, method) in methods.enumerated()
        where !method.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) || method.isEmpty {
            throw members.fault("methods[\(place)]", "\(method) is no method")
        }
        if templates.isEmpty || methods.isEmpty {
            warnings.append("\(members.place): without \(templates.isEmpty ? "paths" : "methods") it is never asked")
        }
        warnings += members.unknown(ruleKeys)
        let name: String? = try members.text("name")
        if let name, name.isEmpty || name.utf8.count > 64 || !name.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            throw members.fault("name", "it has 1 to 64 printable ASCII characters")
        }
        if try members.flag("passCredentials") ?? false {
            warnings.append(
                "\(members.place).passCredentials: it sees keys and logins; \(AssertionSigner.header) says who is calling without them"
            )
        }
        let mode: InterceptorRule.Mode = try members.option("mode") ?? .enforce
        let rule = InterceptorRule(
            phase: phase,
            index: index,
            name: name ?? "\(kind == .authTokenValidator ? "authTokenValidator" : "http")[\(index)]",
            kind: kind,
            templates: templates,
            methods: Set(methods),
            secretToken: try members.text("secretToken") ?? "",
            timeoutMilliseconds: try members.timeout(&warnings),
            failurePolicy: try members.option("failurePolicy") ?? .fail,
            mode: mode,
            passesCredentials: try members.flag("passCredentials") ?? false,
            passesSecrets: try members.flag("passSecrets") ?? false,
            allowedAddresses: allowed,
            audience: try members.audience()
        )
        return rule
    }

    private static func destination(
        _ index: Int,
        _ members: Members,
        _ warnings: inout [String]
    ) throws(Fault) -> DestinationRule {
        let allowed: [AddressRange] = try members.addresses()
        let rule = DestinationRule(
            index: index,
            templates: try members.templates(),
            address: try members.address("destinationURL", allowed),
            passesCredentials: try members.flag("passCredentials") ?? true,
            allowedAddresses: allowed,
            asserts: try members.flag("assertion") ?? false,
            audience: try members.audience()
        )
        if rule.templates.isEmpty { warnings.append("\(members.place): without paths nothing is sent there") }
        warnings += members.unknown([
            "paths", "destinationURL", "passCredentials", "allowAddresses", "assertion", "audience",
        ])
        return rule
    }
}
