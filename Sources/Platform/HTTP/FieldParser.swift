/// Turns header lines into fields (RFC 9112, section 5).
enum FieldParser {
    /// `bytes` are those of the fields alone; the offsets of `lines` are larger by `offset`.
    static func parse(
        _ bytes: [UInt8],
        _ lines: ArraySlice<Range<Int>>,
        from offset: Int
    ) throws(HTTPRefusal) -> HTTPHeaders {
        var fields: [HTTPHeaders.Field] = []
        fields.reserveCapacity(lines.count)
        for line in lines { fields.append(try field(bytes, line.lowerBound - offset..<line.upperBound - offset)) }
        return HTTPHeaders(bytes: bytes, fields: fields, isChecked: true)
    }

    private static func field(_ bytes: [UInt8], _ line: Range<Int>) throws(HTTPRefusal) -> HTTPHeaders.Field {
        let first: UInt8 = bytes[line.lowerBound]
        guard first != 0x20, first != 0x09 else {
            throw HTTPRefusal(400, "a header field is continued on a second line")
        }
        var colon: Int = line.lowerBound
        while colon < line.upperBound, CharacterClass.isToken(bytes[colon]) { colon += 1 }
        guard colon < line.upperBound, bytes[colon] == UInt8(ascii: ":"), colon > line.lowerBound else {
            throw HTTPRefusal(400, "a header field's name is not a token followed by a colon")
        }
        var start: Int = colon + 1
        var end: Int = line.upperBound
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        for index in start..<end where !CharacterClass.isValue(bytes[index]) {
            throw HTTPRefusal(400, "a header field's value contains a control character")
        }
        return HTTPHeaders.Field(name: line.lowerBound..<colon, value: start..<end)
    }
}
