import HTTP

/// Makes of a request the one that goes to another node, and of its answer the one that goes to the client.
enum ForwardedRequest {
    /// Fields that are about one connection (RFC 9110, section 7.6.1), and expectations that were met already.
    private static let ofConnection = HeaderNames([
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "expect", "content-length",
    ])

    /// - Parameter upgrades: keeps what asks for another protocol.
    static func make(_ request: HTTPRequest, _ facts: ForwardedFacts, upgrades: Bool = false) -> HTTPRequest {
        var result = HTTPRequest(
            method: request.method,
            target: request.target,
            headers: withoutConnection(request.headers),
            body: request.body
        )
        if upgrades, let wanted: String = request.headers["upgrade"] {
            result.headers["Connection"] = "Upgrade"
            result.headers["Upgrade"] = wanted
        }
        facts.write(to: &result.headers)
        return result
    }

    /// The answer as the client gets it.
    static func response(_ head: ResponseHead, _ body: [UInt8]) -> HTTPResponse {
        var headers: HTTPHeaders = withoutConnection(head.headers)
        headers.remove(ForwardedFacts.untouched)
        return HTTPResponse(status: head.status, headers: headers, body: body)
    }

    static func withoutConnection(_ headers: HTTPHeaders) -> HTTPHeaders {
        var result: HTTPHeaders = headers
        for name in headers.members(of: "connection") {
            result.remove(name)
        }
        result.remove(anyOf: ofConnection)
        return result
    }
}
