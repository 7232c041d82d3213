/// How the end of a body is found (RFC 9112, section 6.3).
enum BodyFraming: Equatable {
    case none
    case length(Int)
    case chunked
    /// Answers only: the body ends with the connection.
    case untilClose

    /// The framing that the headers declare, or nil when they declare none.
    ///
    /// Everything that two parsers could read in two ways is refused: both kinds of framing at once, repeated
    /// lengths, any transfer coding but exactly `chunked`.
    static func declared(by headers: HTTPHeaders, minorVersion: Int) throws(HTTPRefusal) -> BodyFraming? {
        let codings: Int = headers.occurrences("transfer-encoding")
        let lengths: Int = headers.occurrences("content-length")
        if codings > 0 {
            guard lengths == 0 else { throw HTTPRefusal(400, "both Content-Length and Transfer-Encoding") }
            guard minorVersion >= 1 else { throw HTTPRefusal(400, "Transfer-Encoding in HTTP/1.0") }
            guard codings == 1 else { throw HTTPRefusal(400, "several Transfer-Encoding fields") }
            guard headers.value(of: "transfer-encoding", is: "chunked") else {
                throw HTTPRefusal(501, "a Transfer-Encoding other than chunked")
            }
            return .chunked
        }
        guard lengths > 0 else { return nil }
        guard lengths == 1 else { throw HTTPRefusal(400, "several Content-Length fields") }
        let digits: ArraySlice<UInt8> = headers.valueBytes("content-length") ?? []
        guard !digits.isEmpty, digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
            throw HTTPRefusal(400, "Content-Length is not a number")
        }
        guard let length = Int(String(decoding: digits, as: UTF8.self)) else {
            throw HTTPRefusal(413, "Content-Length is too large")
        }
        return .length(length)
    }
}
