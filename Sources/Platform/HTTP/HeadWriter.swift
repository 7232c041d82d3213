/// Writes heads, and refuses what would let a value become a line of its own.
enum HeadWriter {
    /// The framing fields that are written here and therefore dropped from what the caller gave.
    private static let framingFields: [String] = ["content-length", "transfer-encoding"]

    /// - Throws: ``HTTPRefusal`` when the reason, a name or a value cannot stand in a head.
    static func response(
        _ response: HTTPResponse,
        framing: BodyFraming,
        keepAlive: Bool,
        minorVersion: Int,
        into bytes: inout [UInt8]
    ) throws(HTTPRefusal) {
        guard (100...999).contains(response.status) else {
            throw HTTPRefusal(500, "status \(response.status) is not a status")
        }
        bytes.append(contentsOf: "HTTP/1.1 ".utf8)
        bytes.append(contentsOf: String(response.status).utf8)
        bytes.append(0x20)
        let reason: String = response.reason.isEmpty ? HTTPStatus.reason(response.status) : response.reason
        try append(value: Array(reason.utf8)[...], to: &bytes)
        newLine(&bytes)
        let upgrades: Bool = response.status == 101
        try append(response.headers, dropping: upgrades ? framingFields : framingFields + ["connection"], to: &bytes)
        append(framing, to: &bytes)
        if upgrades {
            if !response.headers.contains("connection") { bytes.append(contentsOf: "Connection: Upgrade\r\n".utf8) }
        } else if !keepAlive {
            bytes.append(contentsOf: "Connection: close\r\n".utf8)
        } else if minorVersion == 0 {
            bytes.append(contentsOf: "Connection: keep-alive\r\n".utf8)
        }
        newLine(&bytes)
    }

    /// - Throws: ``HTTPRefusal`` when the method, the target, a name or a value cannot stand in a head.
    static func request(_ request: HTTPRequest, host: String, into bytes: inout [UInt8]) throws(HTTPRefusal) {
        guard !request.method.isEmpty, request.method.utf8.allSatisfy({ CharacterClass.token[Int($0)] }) else {
            throw HTTPRefusal(400, "the method is not a token")
        }
        guard !request.target.isEmpty, request.target.utf8.allSatisfy({ CharacterClass.target[Int($0)] }) else {
            throw HTTPRefusal(400, "the target contains a character that must be percent-encoded")
        }
        bytes.append(contentsOf: request.method.utf8)
        bytes.append(0x20)
        bytes.append(contentsOf: request.target.utf8)
        bytes.append(contentsOf: " HTTP/1.1\r\n".utf8)
        if !request.headers.contains("host") {
            bytes.append(contentsOf: "Host: ".utf8)
            try append(value: Array(host.utf8)[...], to: &bytes)
            newLine(&bytes)
        }
        try append(request.headers, dropping: framingFields, to: &bytes)
        if let stream = request.bodyStream {
            append(stream.length.map(BodyFraming.length) ?? .chunked, to: &bytes)
            return newLine(&bytes)
        }
        // A length of zero is said only where the receiver would otherwise wait for a body.
        if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
            append(.length(request.body.count), to: &bytes)
        }
        newLine(&bytes)
    }

    private static func append(_ headers: HTTPHeaders, dropping dropped: [String], to bytes: inout [UInt8])
        throws(HTTPRefusal)
    {
        var headers: HTTPHeaders = headers
        for name in dropped { headers.remove(name) }
        for field in headers.fields {
            let name: ArraySlice<UInt8> = headers.bytes[field.name]
            guard !name.isEmpty, name.allSatisfy({ CharacterClass.token[Int($0)] }) else {
                throw HTTPRefusal(500, "a header field's name is not a token")
            }
            bytes.append(contentsOf: name)
            bytes.append(UInt8(ascii: ":"))
            bytes.append(0x20)
            try append(value: headers.bytes[field.value], to: &bytes)
            newLine(&bytes)
        }
    }

    private static func append(value: ArraySlice<UInt8>, to bytes: inout [UInt8]) throws(HTTPRefusal) {
        guard value.allSatisfy({ CharacterClass.value[Int($0)] }) else {
            throw HTTPRefusal(500, "a header field's value contains a control character")
        }
        bytes.append(contentsOf: value)
    }

    private static func append(_ framing: BodyFraming, to bytes: inout [UInt8]) {
        switch framing {
        case .none, .untilClose: break
        case .length(let length):
            bytes.append(contentsOf: "Content-Length: ".utf8)
            bytes.append(contentsOf: String(length).utf8)
            newLine(&bytes)
        case .chunked: bytes.append(contentsOf: "Transfer-Encoding: chunked\r\n".utf8)
        }
    }

    private static func newLine(_ bytes: inout [UInt8]) {
        bytes.append(0x0D)
        bytes.append(0x0A)
    }
}
