internal import HTTP2

/// Turns the fields of a stream into a request as HTTP/1.1 would have brought it (RFC 9113, section 8.3.1).
///
/// libnghttp2 has refused what this RFC calls malformed: pseudo-headers that are missing, repeated, unknown or late, upper case,
/// and the fields that belong to a connection.
enum HTTP2RequestFields {
    static func request(_ head: HTTP2RequestHead, _ limits: MessageLimits) throws(HTTPRefusal) -> HTTPRequest {
        if let excess: HTTP2RequestHead.Excess = head.excess { throw refusal(excess, limits) }
        let block: HTTP2FieldBlock = head.block
        var pseudo: [String: Range<Int>] = [:]
        var bytes: [UInt8] = block.bytes
        var fields: [HTTPHeaders.Field] = []
        var cookies: [Range<Int>] = []
        for field in block.fields {
            let name: ArraySlice<UInt8> = block.name(field)
            if name.first == UInt8(ascii: ":") {
                pseudo[String(decoding: name, as: UTF8.self)] = field.value
            } else if name.elementsEqual("cookie".utf8) {
                cookies.append(field.value)
            } else if !name.elementsEqual("te".utf8) {  // of the connection, the only one that may be sent
                fields.append(HTTPHeaders.Field(name: field.name, value: field.value))
            }
        }
        join(cookies, &bytes, &fields)
        let authority: Range<Int>? = pseudo[":authority"]
        var headers = HTTPHeaders(bytes: bytes, fields: fields, isChecked: false)
        if let authority {
            // One place says which host is meant, or two that agree: whoever looks at the other must see the same.
            guard headers.all("host").allSatisfy({ $0.utf8.elementsEqual(bytes[authority]) }) else {
                throw HTTPRefusal(400, ":authority differs from Host")
            }
            headers.remove("host")
            let start: Int = bytes.count
            bytes.append(contentsOf: "host".utf8)
            headers = HTTPHeaders(
                bytes: bytes,
                fields: [HTTPHeaders.Field(name: start..<bytes.count, value: authority)] + headers.fields,
                isChecked: false
            )
        }
        let method = String(decoding: bytes[pseudo[":method"] ?? 0..<0], as: UTF8.self)
        let target: Range<Int> = pseudo[":path"] ?? 0..<0
        guard method != "CONNECT" else { throw HTTPRefusal(501, "CONNECT is not offered here") }
        try check(method, bytes[target], scheme: bytes[pseudo[":scheme"] ?? 0..<0])
        let request = HTTPRequest(
            method: method,
            target: String(decoding: bytes[target], as: UTF8.self),
            headers: headers,
            isHTTP2: true
        )
        try RequestChecks.host(of: request)
        return request
    }

    private static func check(_ method: String, _ target: ArraySlice<UInt8>, scheme: ArraySlice<UInt8>)
        throws(HTTPRefusal)
    {
        guard !method.isEmpty, method.utf8.allSatisfy(CharacterClass.isToken) else {
            throw HTTPRefusal(400, "the method is not a token")
        }
        guard scheme.elementsEqual("https".utf8) || scheme.elementsEqual("http".utf8) else {
            throw HTTPRefusal(400, ":scheme is neither https nor http")
        }
        try RequestLine.check(target, method: method)
        guard target.first == UInt8(ascii: "/") || target.elementsEqual("*".utf8) else {
            throw HTTPRefusal(400, ":path is not a path")
        }
    }

    /// The pieces of a cookie become one field again (section 8.2.3).
    private static func join(_ cookies: [Range<Int>], _ bytes: inout [UInt8], _ fields: inout [HTTPHeaders.Field]) {
        guard !cookies.isEmpty else { return }
        let start: Int = bytes.count
        bytes.append(contentsOf: "cookie".utf8)
        let middle: Int = bytes.count
        for (index, piece) in cookies.enumerated() {
            if index > 0 { bytes.append(contentsOf: "; ".utf8) }
            bytes.append(contentsOf: Array(bytes[piece]))
        }
        fields.append(HTTPHeaders.Field(name: start..<middle, value: middle..<bytes.count))
    }

    private static func refusal(_ excess: HTTP2RequestHead.Excess, _ limits: MessageLimits) -> HTTPRefusal {
        switch excess {
        case .targetBytes: HTTPRefusal(414, "the target has more than \(limits.lineBytes) bytes")
        case .lineBytes: HTTPRefusal(431, "a header field has more than \(limits.lineBytes) bytes")
        case .totalBytes: HTTPRefusal(431, "the header fields have more than \(limits.headBytes) bytes")
        case .fieldCount: HTTPRefusal(431, "more than \(limits.headerCount) header fields")
        case .characters: HTTPRefusal(400, "a header field contains a character that cannot stand there")
        }
    }
}
