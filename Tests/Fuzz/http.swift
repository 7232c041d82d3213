import EventLoop
import HTTP

/// Requests out of any bytes: no crash, and the same events however the bytes are cut.
///
/// The first byte says into pieces of what size.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 1 else { return 0 }
    let bytes: [UInt8] = Array(UnsafeBufferPointer(start: data + 1, count: size - 1))
    let whole: [String] = events(bytes, step: bytes.count)
    let cut: [String] = events(bytes, step: 1 + Int(data[0] % 16))
    guard whole == cut else { fatalError("in one piece \(whole), in several \(cut)") }
    return 0
}

private func events(_ bytes: [UInt8], step: Int) -> [String] {
    var parser = RequestParser()
    let buffer = ReadBuffer()
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
