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
    /// - Throws: ``HTTPRefusal`` for a value that cannot stand in a head.
    package func write(
        with fields: (name: String, value: String)...,
        body: [UInt8]? = nil,
        into message: inout [UInt8]
    ) throws(HTTPRefusal) {
        message.append(contentsOf: bytes)
        for (name, value) in fields { try HeadWriter.append(name, value, to: &message) }
        if let body { HeadWriter.append(.length(body.count), to: &message) }
        HeadWriter.newLine(&message)
        if let body { message.append(contentsOf: body) }
    }
}
