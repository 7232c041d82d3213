/// The header fields of a request, as far as they keep within their bounds.
///
/// A few bytes on the wire can stand for many in the table of the compression (HPACK), so what is too much is counted and not
/// kept.
package struct HTTP2RequestHead: Sendable {
    /// What is wrong with the fields, beyond what resets the stream.
    package enum Excess: Hashable, Sendable {
        case targetBytes
        case lineBytes
        case totalBytes
        case fieldCount
        /// A name or a value holds what cannot stand there.
        case characters
    }

    package private(set) var block = HTTP2FieldBlock()
    /// The first that was found.
    package private(set) var excess: Excess?
    /// As the header lines of HTTP/1.1 would count: with a colon, a space and a line end.
    private var bytes: Int = 0
    private var count: Int = 0
    private var hasCookie: Bool = false
    private var seenBytes: Int = 0
    private var seenFields: Int = 0
    private let limits: HTTP2Limits

    init(_ limits: HTTP2Limits) { self.limits = limits }

    /// More than any sender has by mistake: the connection is not worth its work.
    var isOutrageous: Bool {
        seenBytes > Self.patience * limits.headBytes || seenFields > Self.patience * limits.headerCount
    }

    private static let patience: Int = 4

    mutating func add(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        seenBytes += name.count + value.count
        seenFields += 1
        if name.elementsEqual(":path".utf8) {
            if value.count > limits.lineBytes { note(.targetBytes) }
        } else if name.count + value.count + 2 > limits.lineBytes {
            note(.lineBytes)
        }
        if name.first != UInt8(ascii: ":") {
            bytes += name.count + value.count + 4
            // The pieces of a cookie are one field (section 8.2.3).
            let isCookie: Bool = name.elementsEqual("cookie".utf8)
            if !isCookie || !hasCookie { count += 1 }
            hasCookie = hasCookie || isCookie
        }
        if count > limits.headerCount { note(.fieldCount) }
        if bytes > limits.headBytes { note(.totalBytes) }
        if excess == nil { block.append(name, value) }
    }

    mutating func note(_ found: Excess) {
        if excess == nil { excess = found }
    }
}
