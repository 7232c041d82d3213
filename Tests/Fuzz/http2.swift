import HTTP2

/// A session that is given any bytes behind a client's first ones: no crash, and the same events however they are cut.
///
/// The first byte says into pieces of what size; each request is answered, so that what the peer says of windows counts.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 1 else { return 0 }
    let hello: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
    let bytes: [UInt8] = hello + Array(UnsafeBufferPointer(start: data + 1, count: size - 1))
    let whole: [String] = events(bytes, step: bytes.count)
    let cut: [String] = events(bytes, step: 1 + Int(data[0] % 16))
    // What came in the same piece as the fault is not told; and behind a client's goodbye nothing is looked at, but in the
    // same piece.
    let isEnded: Bool = cut.last == "ended" && (whole.last == "ended" || whole.starts(with: cut.dropLast()))
    guard whole == cut || isEnded else { fatalError("in one piece \(whole), in several \(cut)") }
    return 0
}

/// Heads, ends, and the bodies that came to an end.
///
/// Of a body that turns out to be malformed it depends on the pieces how much was told before.
private func events(_ bytes: [UInt8], step: Int) -> [String] {
    var found: [String] = []
    var bodies: [Int32: [UInt8]] = [:]
    do throws(HTTP2Fault) {
        let session = try HTTP2Session()
        var start: Int = 0
        while start < bytes.count {
            let end: Int = min(bytes.count, start + step)
            try session.receive(bytes[start..<end], now: 1)
            start = end
            for event in session.takeEvents() {
                switch event {
                case .head(let stream, let head, let isWhole): found.append("\(stream) \(head.block.bytes) \(isWhole)")
                case .data(let stream, let bytes): bodies[stream, default: []] += bytes
                case .end(let stream): found.append("\(stream) ends \(bodies[stream] ?? [])")
                case .drained, .answeredEarly, .closed: break
                }
            }
        }
        try drain(session)
        // A fault of the last piece is only written down for the peer.
        if session.isOver { found.append("ended") } else { try answer(session) }
    } catch {
        found.append("ended")
    }
    return found
}

private func answer(_ session: HTTP2Session) throws(HTTP2Fault) {
    var block = HTTP2FieldBlock()
    block.append(":status", "200")
    for stream: Int32 in [1, 3, 5] {
        session.answer(stream, block, isLast: false)
        session.supply(stream, [UInt8](repeating: 7, count: 100_000), isLast: true)
    }
    try drain(session)
    _ = session.takeEvents()
}

private func drain(_ session: HTTP2Session) throws(HTTP2Fault) {
    while case let output = try session.takeOutput(upTo: 1 << 16), !output.isEmpty {}
}
