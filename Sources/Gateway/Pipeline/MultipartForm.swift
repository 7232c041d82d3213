import Bytes
import HTTP
import Limits

/// The fields of a form in a `multipart/form-data` body (RFC 7578), for clients that know no other.
///
/// Fields only: files are passed over.
struct MultipartForm {
    private(set) var items: [QueryItems.Item] = []

    /// - Throws: 413 for a body that is larger than a form may be; 400 for one that is not what its type says.
    init(_ body: [UInt8], contentType: String) throws(Problem) {
        guard body.count <= Limits.multipartBytes else {
            throw .tooLarge("The form has \(body.count) bytes, and \(Limits.multipartBytes) are possible: send JSON.")
        }
        guard let boundary: String = Self.parameter("boundary", of: contentType), !boundary.isEmpty,
            boundary.utf8.count <= 70
        else { throw .invalidBody("The multipart body's type names no boundary of 1 to 70 characters.") }
        let mark: [UInt8] = Array("--\(boundary)".utf8)
        // Each part stands between a line that is the mark and the next one; the last mark has two more dashes.
        guard var start: Int = Self.find(mark, in: body, from: 0) else { throw Self.broken }
        start += mark.count
        while true {
            let rest: ArraySlice<UInt8> = body[start...]
            if rest.starts(with: Array("--".utf8)) { return }
            guard rest.starts(with: Array("\r\n".utf8)),
                let next: Int = Self.find(Array("\r\n".utf8) + mark, in: body, from: start)
            else { throw Self.broken }
            if next > start { try add(Array(body[(start + 2)..<max(next, start + 2)])) }
            start = next + 2 + mark.count
        }
    }

    private static let broken = Problem.invalidBody("The multipart body is not made of parts as its type says.")

    private mutating func add(_ part: [UInt8]) throws(Problem) {
        // A part without headers begins with the empty line.
        let gap: [UInt8] = Array("\r\n\r\n".utf8)
        guard let end: Int = Self.find(gap, in: part, from: 0),
            let head = String(validating: part[..<end], as: UTF8.self)
        else { throw Self.broken }
        var disposition: String?
        for line in head.split(separator: "\r\n") {
            guard let colon: String.Index = line.firstIndex(of: ":") else { throw Self.broken }
            if line[..<colon].lowercased() == "content-disposition" {
                disposition = String(line[line.index(after: colon)...])
            }
        }
        guard let disposition, let name: String = Self.parameter("name", of: disposition) else { throw Self.broken }
        guard Self.parameter("filename", of: disposition) == nil else { return }
        guard let value = String(validating: part[(end + gap.count)...], as: UTF8.self) else {
            throw .invalidBody("The field \(name) of the form is not UTF-8.")
        }
        items.append(QueryItems.Item(name, value))
    }

    /// The parameter of a header such as `form-data; name="a"`, with or without quotes.
    private static func parameter(_ name: String, of header: String) -> String? {
        for piece in header.split(separator: ";").dropFirst() {
            guard let equals: String.Index = piece.firstIndex(of: "=") else { continue }
            let key = String(piece[..<equals].filter { $0 != " " && $0 != "\t" })
            guard key.lowercased() == name else { continue }
            var value: Substring = piece[piece.index(after: equals)...]
            while let last: Character = value.last, last == " " || last == "\t" { value.removeLast() }
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            return String(value)
        }
        return nil
    }

    private static func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= pattern.count, start <= bytes.count - pattern.count else { return nil }
        var position: Int = start
        while position <= bytes.count - pattern.count {
            if bytes[position] == pattern[0], bytes[position..<(position + pattern.count)].elementsEqual(pattern) {
                return position
            }
            position += 1
        }
        return nil
    }
}
