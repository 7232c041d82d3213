package import EventLoop

/// The head of a message that is sent many times, written once and for all but for the fields that differ each time; these
/// stand behind the others.
package struct HeadBlock: Sendable {
    private let bytes: [UInt8]

    /// - Throws: ``HTTPRefusal`` for what cannot stand in a head.
    package init(_ request: HTTPRequest, to endpoint: Endpoint) throws(HTTPRefusal) {
        var bytes: [UInt8] = []
        try HeadWriter.beginning(request, host: endpoint.hostField, into: &bytes)
        self.bytes = bytes
    }

    /// - Throws: ``HTTPRefusal`` for what cannot stand in a head.
    package init(_ response: HTTPResponse) throws(HTTPRefusal) {
        var bytes: [UInt8] = []
        try HeadWriter.beginning(response, into: &bytes)
        self.bytes = bytes
    }

    /// Appends the head of a request without a body, or with a body of its own the whole message.
    ///
    /// - Parameter fields: appends what differs each time, by ``append(_:to:_:)``.
    package func write(body: [UInt8]? = nil, into message: inout [UInt8], _ fields: (inout [UInt8]) -> Void) {
        message.append(contentsOf: bytes)
        fields(&message)
        if let body { HeadWriter.append(.length(body.count), to: &message) }
        HeadWriter.newLine(&message)
        if let body { message.append(contentsOf: body) }
    }

    /// One field more.
    ///
    /// - Parameter value: appends nothing but what can stand in a head, such as digits: nobody looks at it any more.
    package static func append(_ name: StaticString, to message: inout [UInt8], _ value: (inout [UInt8]) -> Void) {
        message.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        message.append(UInt8(ascii: ":"))
        message.append(0x20)
        value(&message)
        HeadWriter.newLine(&message)
    }
}
