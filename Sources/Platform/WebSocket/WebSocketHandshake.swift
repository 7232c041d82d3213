internal import Bytes
package import EventLoop
package import HTTP

extension WebSocket {
    /// The headers of the `101` that accepts `request` (RFC 6455, section 4.2).
    ///
    /// Of the subprotocols that the client offers the first that is in `protocols` is taken.
    ///
    /// - Throws: `HTTPRefusal` with 400 or 426.
    package static func accept(_ request: HTTPRequest, protocols: [String] = []) throws(HTTPRefusal) -> HTTPHeaders {
        guard request.method == "GET", request.minorVersion >= 1 else {
            throw HTTPRefusal(400, "a WebSocket starts with GET in HTTP/1.1")
        }
        guard !request.isHTTP2 else {
            throw HTTPRefusal(426, "this address speaks WebSocket only, which begins with HTTP/1.1")
        }
        guard request.headers.list("connection", contains: "upgrade"),
            request.headers.list("upgrade", contains: "websocket")
        else { throw HTTPRefusal(426, "this address speaks WebSocket only: Connection: Upgrade, Upgrade: websocket") }
        guard request.headers.all("sec-websocket-version") == ["13"] else {
            throw HTTPRefusal(426, "only version 13 of WebSocket is spoken here")
        }
        let keys: [String] = request.headers.all("sec-websocket-key")
        guard keys.count == 1, Base64.decode(keys[0])?.count == 16 else {
            throw HTTPRefusal(400, "Sec-WebSocket-Key is not 16 bytes in base64")
        }
        var headers: HTTPHeaders = [
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": AcceptKey.answer(to: keys[0]),
        ]
        if let chosen = offered(request.headers).first(where: protocols.contains) {
            headers.append("Sec-WebSocket-Protocol", chosen)
        }
        return headers
    }

    /// The answer that turns the connection of `request` into a WebSocket for `handler`, or refuses it.
    ///
    /// When `handler` returns, the WebSocket is closed.
    package static func response(
        to request: HTTPRequest,
        protocols: [String] = [],
        limits: WebSocketLimits = WebSocketLimits(),
        handler: @escaping @Sendable (WebSocket) async -> Void
    ) -> HTTPResponse {
        do {
            return .upgrade(headers: try accept(request, protocols: protocols)) { stream, leftover in
                let socket = WebSocket(stream: stream, role: .server, leftover: leftover, limits: limits)
                await handler(socket)
                await socket.close()
            }
        } catch {
            return refusal(error)
        }
    }

    static func refusal(_ refusal: HTTPRefusal) -> HTTPResponse {
        var response: HTTPResponse = .text(refusal.status, refusal.message)
        if refusal.status == 426 {
            response.headers.append("Upgrade", "websocket")
            response.headers.append("Sec-WebSocket-Version", "13")
        }
        return response
    }

    /// Opens a WebSocket to `target` at `endpoint`.
    ///
    /// - Throws: ``WebSocketFault/refused(status:cause:)`` and the errors of the client.
    package static func connect(
        to endpoint: Endpoint,
        target: String,
        headers: HTTPHeaders = HTTPHeaders(),
        protocols: [String] = [],
        client: HTTPClient,
        limits: WebSocketLimits = WebSocketLimits()
    ) async throws -> WebSocket {
        let key: String = Base64.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
        var request = HTTPRequest(method: "GET", target: target, headers: headers)
        request.headers["Connection"] = "Upgrade"
        request.headers["Upgrade"] = "websocket"
        request.headers["Sec-WebSocket-Version"] = "13"
        request.headers["Sec-WebSocket-Key"] = key
        if !protocols.isEmpty { request.headers["Sec-WebSocket-Protocol"] = protocols.joined(separator: ", ") }
        switch try await client.upgrade(request, to: endpoint) {
        case .refused(let response):
            let text = String(decoding: response.body.prefix(200), as: UTF8.self)
            throw WebSocketFault.refused(status: response.status, cause: text)
        case .switched(let head, let stream, let leftover):
            if let cause = mistake(in: head.headers, key: key, protocols: protocols) {
                stream.close()
                throw WebSocketFault.refused(status: head.status, cause: cause)
            }
            return WebSocket(stream: stream, role: .client, leftover: leftover, limits: limits)
        }
    }

    /// What is wrong with the answer to our handshake (section 4.1).
    private static func mistake(in headers: HTTPHeaders, key: String, protocols: [String]) -> String? {
        guard headers.list("upgrade", contains: "websocket"), headers.list("connection", contains: "upgrade") else {
            return "the answer switches to another protocol"
        }
        guard headers.all("sec-websocket-accept") == [AcceptKey.answer(to: key)] else {
            return "Sec-WebSocket-Accept does not match the key"
        }
        guard !headers.contains("sec-websocket-extensions") else { return "an extension that was not offered" }
        guard headers.all("sec-websocket-protocol").allSatisfy(protocols.contains) else {
            return "a subprotocol that was not offered"
        }
        return nil
    }

    private static func offered(_ headers: HTTPHeaders) -> [String] {
        headers.all("sec-websocket-protocol").flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ",")).map { part in
                let spaces: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
                let trimmed: [UInt8] = Array(part.drop(while: spaces))
                let end: Int = (trimmed.lastIndex { !spaces($0) } ?? -1) + 1
                return String(decoding: trimmed[..<end], as: UTF8.self)
            }
        }
    }
}
