import EventLoop
import HTTP

/// Requests out of any bytes: no crash, and the same events however the bytes are cut, and whatever the connection has brought
/// before: a parser compares a head with the last one.
///
/// The first byte says into pieces of what size.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 1 else { return 0 }
    let bytes: [UInt8] = Array(UnsafeBufferPointer(start: data + 1, count: size - 1))
    let whole: [String] = events(bytes, step: bytes.count)
    let cut: [String] = events(bytes, step: 1 + Int(data[0] % 16))
    guard whole == cut else { fatalError("in one piece \(whole), in several \(cut)") }
    let rest: ArraySlice<UInt8> = bytes.drop { $0 != 0x0A }
    for before in [bytes, Array("GET /before?a=b HTTP/1.1\r".utf8) + rest, Array("PUT /x HTTP/1.0\r".utf8) + rest] {
        guard let after: [String] = events(bytes, step: bytes.count, after: before) else { continue }
        guard whole == after else { fatalError("alone \(whole), behind others \(after)") }
    }
    return 0
}

/// - Returns: nil when `before` is not whole requests.
private func events(_ bytes: [UInt8], step: Int, after before: [UInt8]) -> [String]? {
    var parser = RequestParser()
    let buffer = ReadBuffer()
    guard events(before, step: before.count, &parser, buffer).last?.hasPrefix("refused") != true,
        parser.stage == .idle, buffer.isEmpty
    else { return nil }
    return events(bytes, step: step, &parser, buffer)
}

private func events(_ bytes: [UInt8], step: Int) -> [String] {
    var parser = RequestParser()
    return events(bytes, step: step, &parser, ReadBuffer())
}

private func events(_ bytes: [UInt8], step: Int, _ parser: inout RequestParser, _ buffer: ReadBuffer) -> [String] {
    var found: [String] = []
    var start: Int = 0
    do throws(HTTPRefusal) {
        while start < bytes.count {
            let end: Int = min(bytes.count, start + step)
            buffer.append(bytes[start..<end])
            start = end
            while let event: RequestParser.Event = try parser.next(buffer) {
                guard case .request(let request) = event else { continue }
                let fields: String = request.headers.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
                found.append("\(request.method) \(request.target) \(fields) \(request.body)")
                // What it names is looked at by everybody.
                _ = (request.segments, request.queryItems)
            }
        }
    } catch {
        found.append("refused \(error.status)")
    }
    return found
}
