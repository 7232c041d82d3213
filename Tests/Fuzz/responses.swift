import EventLoop
import HTTP

/// Responses out of any bytes: no crash, and the same answers however the bytes are cut.
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
    var parser = ResponseParser(method: "GET")
    let buffer = ReadBuffer()
    var found: [String] = []
    // A body comes in the pieces in which it arrives: only all of it can be compared.
    var body: [UInt8] = []
    var start: Int = 0
    do throws(HTTPRefusal) {
        while start < bytes.count {
            let end: Int = min(bytes.count, start + step)
            buffer.append(bytes[start..<end])
            start = end
            while let event: ResponseParser.Event = try parser.next(buffer) {
                switch event {
                case .head(let head): found.append("\(head)")
                case .body(let piece): body += piece
                case .end: return found + ["\(body) end"]
                }
            }
        }
        _ = try parser.finish()
        found.append("\(body)")
    } catch {
        // What came of a body before the fault depends on the cut, and nobody may rely on it.
        found.append("refused")
    }
    return found
}
