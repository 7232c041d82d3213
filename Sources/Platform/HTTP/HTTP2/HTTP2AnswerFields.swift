internal import HTTP2

/// The head of an answer as the fields of a stream (RFC 9113, section 8.3.2).
enum HTTP2AnswerFields {
    /// What belongs to an HTTP/1.1 connection (section 8.2.2), and the length, which is written here.
    private static let dropped = HeaderNames([
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length",
    ])

    /// - Throws: ``HTTPRefusal`` when a name or a value cannot stand in a head.
    static func block(_ response: HTTPResponse, length: Int?) throws(HTTPRefusal) -> HTTP2FieldBlock {
        guard (200...999).contains(response.status) else {
            throw HTTPRefusal(500, "status \(response.status) is not the status of an answer")
        }
        var block = HTTP2FieldBlock()
        block.append(":status", String(response.status))
        var headers: HTTPHeaders = response.headers
        headers.remove(anyOf: dropped)
        if !headers.isChecked { try HeadWriter.check(headers) }
        for field in headers.fields {
            let name: [UInt8] = headers.bytes[field.name].map(CharacterClass.lowercased)
            block.append(name, HTTPHeaders.trimmed(headers.bytes[field.value]))
        }
        if let length { block.append("content-length", String(length)) }
        return block
    }
}
