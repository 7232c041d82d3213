import EventLoop
import WebSocket

/// Frames out of any bytes, of clients and of servers: no crash, the same however they are cut, and what is read is what is
/// written again.
///
/// The first byte says into pieces of what size, and who sends.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 1 else { return 0 }
    let bytes: [UInt8] = Array(UnsafeBufferPointer(start: data + 1, count: size - 1))
    let role: WebSocketRole = data[0] & 0x80 == 0 ? .server : .client
    let whole: [Frame?] = frames(bytes, step: bytes.count, role)
    let cut: [Frame?] = frames(bytes, step: 1 + Int(data[0] % 16), role)
    guard whole == cut else { fatalError("in one piece \(whole), in several \(cut)") }
    for case .some(let frame) in whole {
        let again: [Frame?] = frames(frame.encoded(mask: role == .server ? 0x1234_5678 : nil), step: .max, role)
        guard again == [frame] else { fatalError("\(frame) became \(again)") }
    }
    return 0
}

/// nil: the rest breaks the protocol.
private func frames(_ bytes: [UInt8], step: Int, _ role: WebSocketRole) -> [Frame?] {
    let decoder = FrameDecoder(role: role, limit: 1 << 16)
    let buffer = ReadBuffer()
    var found: [Frame?] = []
    var start: Int = 0
    do throws(WebSocketFault) {
        while start < bytes.count {
            let end: Int = step < bytes.count - start ? start + step : bytes.count
            buffer.append(bytes[start..<end])
            start = end
            while let frame: Frame = try decoder.next(buffer) { found.append(frame) }
        }
    } catch {
        found.append(nil)
    }
    return found
}
