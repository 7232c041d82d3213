/// Writes heads, and refuses what would let a value become a line of its own.
enum HeadWriter {
    /// The framing fields that are written here and therefore dropped from what the caller gave.
    private static let framing = HeaderNames(["content-length", "transfer-encoding"])
    /// The same, and what is said of the connection.
    private static let framingAndConnection = HeaderNames(["content-length", "transfer-encoding", "connection"])

    /// - Throws: ``HTTPRefusal`` when the reason, a name or a value cannot stand in a head.
    static func response(
        _ response: HTTPResponse,
        framing: BodyFraming,
        keepAlive: Bool,
        minorVersion: Int,
        into bytes: inout [UInt8]
    ) throws(HTTPRefusal) {
        try beginning(response, into: &bytes)
        append(framing, to: &bytes)
        if response.status == 101 {
            if !response.headers.contains("connection") { bytes.append(contentsOf: "Connection: Upgrade\r\n".utf8) }
        } else if !keepAlive {
            bytes.append(contentsOf: "Connection: close\r\n".utf8)
        } else if minorVersion == 0 {
            bytes.append(contentsOf: "Connection: keep-alive\r\n".utf8)
        }
        newLine(&bytes)
    }

    /// The status line and the fields but for those that say where the body and the connection end.
    ///
    /// - Throws: as ``response(_:framing:keepAlive:minorVersion:into:)``.
    static func beginning(_ response: HTTPResponse, into bytes: inout [UInt8]) throws(HTTPRefusal) {
        guard (100...999).contains(response.status) else {
            throw HTTPRefusal(500, "status \(response.status) is not a status")
        }
        bytes.append(contentsOf: "HTTP/1.1 ".utf8)
        append(response.status, to: &bytes)
        bytes.append(0x20)
        let reason: String = response.reason.isEmpty ? HTTPStatus.reason(response.status) : response.reason
        try append(value: reason.utf8, to: &bytes)
        newLine(&bytes)
        try append(response.headers, dropping: response.status == 101 ? framing : framingAndConnection, to: &bytes)
    }

    /// - Throws: ``HTTPRefusal`` when the method, the target, a name or a value cannot stand in a head.
    static func request(_ request: HTTPRequest, host: String, into bytes: inout [UInt8]) throws(HTTPRefusal) {
        try beginning(request, host: host, into: &bytes)
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

    /// The request line and the fields but for those that say where the body ends.
    ///
    /// - Throws: as ``request(_:host:into:)``.
    static func beginning(_ request: HTTPRequest, host: String, into bytes: inout [UInt8]) throws(HTTPRefusal) {
        guard !request.method.isEmpty, request.method.utf8.allSatisfy(CharacterClass.isToken) else {
            throw HTTPRefusal(400, "the method is not a token")
        }
        guard !request.target.isEmpty, request.target.utf8.allSatisfy(CharacterClass.isTarget) else {
            throw HTTPRefusal(400, "the target contains a character that must be percent-encoded")
        }
        bytes.append(contentsOf: request.method.utf8)
        bytes.append(0x20)
        bytes.append(contentsOf: request.target.utf8)
        bytes.append(contentsOf: " HTTP/1.1\r\n".utf8)
        if !request.headers.contains("host") {
            bytes.append(contentsOf: "Host: ".utf8)
            try append(value: host.utf8, to: &bytes)
            newLine(&bytes)
        }
        try append(request.headers, dropping: framing, to: &bytes)
    }

    private static func append(_ headers: HTTPHeaders, dropping dropped: HeaderNames, to bytes: inout [UInt8])
        throws(HTTPRefusal)
    {
        if !headers.isChecked { try check(headers) }
        bytes.reserveCapacity(bytes.count + headers.bytes.count + 4 * headers.count + framingBytes)
        headers.bytes.withUnsafeBufferPointer { source in
            for field in headers.fields where !dropped.contains(source, field.name) {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: source[field.name]))
                bytes.append(UInt8(ascii: ":"))
                bytes.append(0x20)
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: source[field.value]))
                newLine(&bytes)
            }
        }
    }

    /// What is written behind the fields takes at most so much.
    private static let framingBytes: Int = 80

    /// Fields of which nobody knows yet whether they can stand in a head.
    static func check(_ headers: HTTPHeaders) throws(HTTPRefusal) {
        for field in headers.fields {
            guard !field.name.isEmpty, headers.bytes[field.name].allSatisfy(CharacterClass.isToken) else {
                throw HTTPRefusal(500, "a header field's name is not a token")
            }
            guard headers.bytes[field.value].allSatisfy(CharacterClass.isValue) else {
                throw HTTPRefusal(500, "a header field's value contains a control character")
            }
        }
    }

    private static func append(value: String.UTF8View, to bytes: inout [UInt8]) throws(HTTPRefusal) {
        guard value.allSatisfy(CharacterClass.isValue) else {
            throw HTTPRefusal(500, "a header field's value contains a control character")
        }
        bytes.append(contentsOf: value)
    }

    static func append(_ framing: BodyFraming, to bytes: inout [UInt8]) {
        switch framing {
        case .none, .untilClose: break
        case .length(let length):
            bytes.append(contentsOf: "Content-Length: ".utf8)
            append(length, to: &bytes)
            newLine(&bytes)
        case .chunked: bytes.append(contentsOf: "Transfer-Encoding: chunked\r\n".utf8)
        }
    }

    /// In decimal digits.
    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        let start: Int = bytes.count
        var rest: Int = number
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    static func newLine(_ bytes: inout [UInt8]) {
        bytes.append(0x0D)
        bytes.append(0x0A)
    }
}
