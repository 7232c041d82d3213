import Certificates
import EventLoop
import HTTP
import JSON
import Limits
import TLS

/// Why a provider gave no answer that could be used; says what to look at, and nothing of what it answered.
struct ProviderFault: Error, Hashable, Sendable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Calls a provider: HTTPS only, to an address that was looked at, without redirects, in bounded time and size.
struct ProviderCalls: Sendable {
    let loop: EventLoop
    /// PEM; nil for the system's authorities.
    let authority: String?

    /// An address at a provider: nil for what is no `https://` address.
    static func address(_ text: String) -> OutboundAddress? {
        guard let address = try? OutboundAddress(text), address.isSecure else { return nil }
        return address
    }

    /// The JSON document there.
    func get(_ address: OutboundAddress) async throws(ProviderFault) -> JSONValue {
        try await call(
            HTTPRequest(method: "GET", target: address.target, headers: ["Accept": "application/json"]),
            address
        )
    }

    /// - Parameter basic: user and password, already encoded for the header.
    func post(_ address: OutboundAddress, form: QueryItems, basic: String?) async throws(ProviderFault) -> JSONValue {
        var request = HTTPRequest(method: "POST", target: address.target, headers: ["Accept": "application/json"])
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        if let basic { request.headers["Authorization"] = "Basic \(basic)" }
        request.body = Array(form.encoded.utf8)
        return try await call(request, address)
    }

    private func call(_ request: HTTPRequest, _ address: OutboundAddress) async throws(ProviderFault) -> JSONValue {
        var request: HTTPRequest = request
        request.headers["Host"] = address.hostHeader
        var limits = HTTPClientLimits()
        limits.message.bodyBytes = Limits.providerDocumentBytes
        limits.answerMilliseconds = Limits.providerCallSeconds * 1_000
        limits.bodyMilliseconds = Limits.providerCallSeconds * 1_000
        let context: TLSClientContext = try trust()
        let client = HTTPClient(loop: loop, limits: limits) { endpoint, loop, deadline in
            let stream: SocketStream = try await loop.connect(to: endpoint, before: deadline) { address in
                if let reason: String = AddressRule.refusal(of: address, allowed: []) { throw ProviderFault(reason) }
            }
            return try await context.connect(stream, serverName: endpoint.host, before: deadline)
        }
        defer { client.close() }
        let response: HTTPClientResponse
        do {
            response = try await client.send(request, to: address.endpoint)
        } catch let fault as ProviderFault {
            throw fault
        } catch {
            throw ProviderFault("\(address.hostHeader) does not answer: \(error)")
        }
        guard response.status == 200 else {
            // The code is one of a list (RFC 6749, section 5.2); the rest of the answer is not repeated.
            let code: String = (try? JSONReader.parse(response.body))?["error"]?.string ?? ""
            let shown: String = String(code.filter { $0.isASCII && ($0.isLetter || $0 == "_") }.prefix(40))
            throw ProviderFault("\(address.hostHeader) answers \(response.status) \(shown)")
        }
        guard let document: JSONValue = try? JSONReader.parse(response.body) else {
            throw ProviderFault("\(address.hostHeader) answers something that is no JSON")
        }
        return document
    }

    private func trust() throws(ProviderFault) -> TLSClientContext {
        do {
            if let authority {
                return try TLSClientContext(trust: .authorities(try Certificate.bundle(pem: Array(authority.utf8))))
            }
            return try SystemAuthorities.context()
        } catch {
            throw ProviderFault("the authorities that the provider may come from cannot be used: \(error)")
        }
    }
}
