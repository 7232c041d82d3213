import HTTP
import JSON

/// Headers as interceptors see them: canonical names, each with a list of values (contract A20).
struct HeaderLists: Hashable, Sendable {
    /// In the order of their first values; few enough to be looked through.
    private var fields: [Field] = []

    private struct Field: Hashable, Sendable {
        var name: String
        var values: [String]
    }

    var names: [String] { fields.map(\.name) }

    init() {}

    init(_ headers: HTTPHeaders) {
        fields.reserveCapacity(headers.count)
        for (name, value) in headers { append(name, value) }
    }

    /// What an interceptor answers; nil when it is no object of strings or lists of strings, or cannot stand in a head.
    init?(_ document: JSONObject) {
        for (name, value) in document {
            let list: [String]
            switch value {
            case .string(let one): list = [one]
            case .array(let many):
                list = many.compactMap(\.string)
                guard list.count == many.count else { return nil }
            default: return nil
            }
            guard Self.isName(name), list.allSatisfy(Self.isValue) else { return nil }
            for one in list { append(name, one) }
        }
    }

    subscript(name: String) -> [String]? {
        let name: String = Self.canonical(name)
        return fields.first { $0.name == name }?.values
    }

    mutating func append(_ name: String, _ value: String) {
        let name: String = Self.canonical(name)
        if let index: Int = fields.firstIndex(where: { $0.name == name }) {
            fields[index].values.append(value)
        } else {
            fields.append(Field(name: name, values: [value]))
        }
    }

    mutating func set(_ name: String, _ list: [String]) {
        let name: String = Self.canonical(name)
        if let index: Int = fields.firstIndex(where: { $0.name == name }) {
            fields[index].values = list
        } else {
            fields.append(Field(name: name, values: list))
        }
    }

    mutating func remove(_ name: String) {
        let name: String = Self.canonical(name)
        fields.removeAll { $0.name == name }
    }

    func without(_ isLeftOut: (String) -> Bool) -> HeaderLists {
        var result: HeaderLists = self
        result.fields.removeAll { isLeftOut($0.name) }
        return result
    }

    var document: JSONObject {
        var object = JSONObject()
        for field in fields { object.append(field.name, JSONValue(field.values)) }
        return object
    }

    /// Those that `other` has not, or has with other values, by canonical names.
    func changed(since other: HeaderLists) -> [(name: String, values: [String])] {
        guard fields != other.fields else { return [] }
        return fields.filter { !other.fields.contains($0) }.map { ($0.name, $0.values) }
    }

    /// `x-api-project-id` becomes `X-Api-Project-Id`.
    static func canonical(_ name: String) -> String {
        var result: String = name
        return result.withUTF8 { bytes in
            String(unsafeUninitializedCapacity: bytes.count) { space in
                var isFirst: Bool = true
                for (index, byte) in bytes.enumerated() {
                    let isLetter: Bool = (0x41...0x5A).contains(byte & 0xDF)
                    space[index] = isLetter ? (isFirst ? byte & 0xDF : byte | 0x20) : byte
                    isFirst = byte == UInt8(ascii: "-")
                }
                return bytes.count
            }
        }
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128
            && text.utf8.allSatisfy { byte in
                (0x41...0x5A).contains(byte & 0xDF) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: "_")
            }
    }

    private static func isValue(_ text: String) -> Bool {
        text.utf8.count <= 8_192 && text.utf8.allSatisfy { $0 == 9 || ($0 >= 0x20 && $0 != 0x7F) }
    }
}

/// What interceptors may not see, and what they may not change.
enum HeaderPolicy {
    /// They stand for the caller.
    private static let credentials: Set<String> = [
        "Authorization", "Cookie", "Proxy-Authorization", "X-Api-Csrf", "X-Api-Bearer", "X-Auth-Token",
    ]
    /// Who is calling: only this server says so.
    private static let identity: Set<String> = [
        "X-Api-Account-Id", "X-Api-Account-Kind", "X-Api-Account-Name", "X-Api-User-Id", "X-Api-Roles",
        "X-Api-Assertion",
    ]
    /// In which environment, by which way, under which name: decided before anybody is asked.
    private static let fixed: Set<String> = [
        "Host", "X-Api-Project-Id", "X-Api-Client-Access-Key", "X-Api-Request-Url", "X-Api-Client-Ip", "Content-Length",
        "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "Te", "Trailer", "Expect", "Traceparent",
        "X-Enforce-Authentication", depth, breakGlass,
    ]

    /// How many interceptors' calls led to this request.
    static let depth: String = "X-Drover-Interceptor-Depth"
    /// An administrator's wish to pass without being asked, with the reason.
    static let breakGlass: String = "X-Api-Break-Glass"

    /// What nearly every request has, and what is no credential: whether a name sounds like one takes longer to find out.
    private static let ordinary: Set<String> = Set(
        [
            "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection", "Content-Length",
            "Content-Type",
            "Host", "If-Modified-Since", "If-None-Match", "Origin", "Referer", "Traceparent", "User-Agent",
            "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-Ip",
        ].filter { !soundsLikeCredential($0) }
    )

    /// All these take a canonical name.
    static func isIdentity(_ name: String) -> Bool { identity.contains(name) }

    static func isCredential(_ name: String) -> Bool { !ordinary.contains(name) && soundsLikeCredential(name) }

    private static func soundsLikeCredential(_ name: String) -> Bool {
        credentials.contains(name) || (Masking.isTelling(name) && !name.hasPrefix("Sec-Websocket"))
    }

    /// Whether an interceptor's value for it is refused, unless it is the one that is there.
    static func isProtected(_ name: String) -> Bool {
        let name: String = HeaderLists.canonical(name)
        return isCredential(name) || identity.contains(name) || fixed.contains(name)
            || name.hasPrefix("X-Forwarded-") || name.hasPrefix("X-Drover-") || name.hasPrefix("Sec-")
    }
}
