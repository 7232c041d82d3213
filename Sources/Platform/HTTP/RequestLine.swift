/// Method, target and version (RFC 9112, section 3).
struct RequestLine {
    var method: String
    var target: String
    var minorVersion: Int

    static func parse(_ bytes: [UInt8], _ line: Range<Int>) throws(HTTPRefusal) -> RequestLine {
        var index: Int = line.lowerBound
        while index < line.upperBound, CharacterClass.isToken(bytes[index]) { index += 1 }
        let method: Range<Int> = line.lowerBound..<index
        guard !method.isEmpty, index < line.upperBound, bytes[index] == 0x20 else {
            throw HTTPRefusal(400, "the request line does not start with a method and one space")
        }
        index += 1
        let targetStart: Int = index
        while index < line.upperBound, bytes[index] != 0x20 { index += 1 }
        let target: Range<Int> = targetStart..<index
        guard !target.isEmpty, index < line.upperBound else {
            throw HTTPRefusal(400, "the request line is not a method, a target and a version with one space between")
        }
        let minorVersion: Int = try version(bytes[(index + 1)..<line.upperBound])
        let name = String(decoding: bytes[method], as: UTF8.self)
        try check(bytes[target], method: name)
        return RequestLine(
            method: name,
            target: String(decoding: bytes[target], as: UTF8.self),
            minorVersion: minorVersion
        )
    }

    /// The minor version; any version but 1.0 and 1.1 is 505.
    static func version(_ bytes: ArraySlice<UInt8>) throws(HTTPRefusal) -> Int {
        let text: [UInt8] = Array(bytes)
        let isDigit: (UInt8) -> Bool = { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        guard text.count == 8, text.starts(with: "HTTP/".utf8), isDigit(text[5]), text[6] == UInt8(ascii: "."),
            isDigit(text[7])
        else { throw HTTPRefusal(400, "the first line does not have an HTTP version") }
        guard text[5] == UInt8(ascii: "1"), text[7] <= UInt8(ascii: "1") else {
            throw HTTPRefusal(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        }
        return Int(text[7] - UInt8(ascii: "0"))
    }

    /// Whether a target can stand in a request with that method.
    static func check(_ target: ArraySlice<UInt8>, method: String) throws(HTTPRefusal) {
        var index: Int = target.startIndex
        while index < target.endIndex {
            let byte: UInt8 = target[index]
            guard CharacterClass.isTarget(byte) else {
                throw HTTPRefusal(400, "the target contains a character that must be percent-encoded")
            }
            if byte == UInt8(ascii: "%") {
                guard index + 2 < target.endIndex, CharacterClass.hexValue(target[index + 1]) != nil,
                    CharacterClass.hexValue(target[index + 2]) != nil
                else { throw HTTPRefusal(400, "the target contains an invalid percent-encoding") }
                index += 2
            }
            index += 1
        }
        if target.first == UInt8(ascii: "/") { return }
        if method == "OPTIONS", target.elementsEqual("*".utf8) { return }
        guard method != "CONNECT" else { throw HTTPRefusal(501, "CONNECT is not offered here") }
        guard target.starts(with: "http://".utf8) || target.starts(with: "https://".utf8) else {
            throw HTTPRefusal(400, "the target is neither a path nor a URL")
        }
    }
}
