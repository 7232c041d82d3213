import Certificates
import EventLoop
import Glibc
import HTTP
import JSON
import Limits
import Synchronization
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

    private static let systemFiles: [String] = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    ]

    /// The JSON document there.
    func get(_ address: ProviderAddress) async throws(ProviderFault) -> JSONValue {
        try await call(
            HTTPRequest(method: "GET", target: address.target, headers: ["Accept": "application/json"]),
            address
        )
    }

    /// - Parameter basic: user and password, already encoded for the header.
    func post(_ address: ProviderAddress, form: QueryItems, basic: String?) async throws(ProviderFault) -> JSONValue {
        var request = HTTPRequest(method: "POST", target: address.target, headers: ["Accept": "application/json"])
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        if let basic { request.headers["Authorization"] = "Basic \(basic)" }
        request.body = Array(form.encoded.utf8)
        return try await call(request, address)
    }

    private func call(_ request: HTTPRequest, _ address: ProviderAddress) async throws(ProviderFault) -> JSONValue {
        var request: HTTPRequest = request
        request.headers["Host"] = address.authority
        var limits = HTTPClientLimits()
        limits.message.bodyBytes = Limits.providerDocumentBytes
        limits.answerMilliseconds = Limits.providerCallSeconds * 1_000
        limits.bodyMilliseconds = Limits.providerCallSeconds * 1_000
        let context: TLSClientContext = try trust()
        let client = HTTPClient(loop: loop, limits: limits) { endpoint, loop, deadline in
            let stream: SocketStream = try await loop.connect(to: endpoint, before: deadline)
            // Nothing was sent yet: it is the address that is connected to that is looked at.
            guard ProviderAddress.mayBeCalled(stream.peer.host ?? "") else {
                stream.close()
                throw ProviderFault("\(endpoint) is at \(stream.peer.host ?? "no address"), which is not called")
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
            throw ProviderFault("\(address.authority) does not answer: \(error)")
        }
        guard response.status == 200 else {
            // The code is one of a list (RFC 6749, section 5.2); the rest of the answer is not repeated.
            let code: String = (try? JSONReader.parse(response.body))?["error"]?.string ?? ""
            let shown: String = String(code.filter { $0.isASCII && ($0.isLetter || $0 == "_") }.prefix(40))
            throw ProviderFault("\(address.authority) answers \(response.status) \(shown)")
        }
        guard let document: JSONValue = try? JSONReader.parse(response.body) else {
            throw ProviderFault("\(address.authority) answers something that is no JSON")
        }
        return document
    }

    private func trust() throws(ProviderFault) -> TLSClientContext {
        do {
            if let authority {
                return try TLSClientContext(trust: .authorities(try Certificate.bundle(pem: Array(authority.utf8))))
            }
            return try SystemTrust.shared.context(Self.systemFiles)
        } catch {
            throw ProviderFault("the authorities that the provider may come from cannot be used: \(error)")
        }
    }
}

/// The authorities of the system, read once.
private final class SystemTrust: Sendable {
    static let shared = SystemTrust()
    private let made = Mutex<TLSClientContext?>(nil)

    func context(_ files: [String]) throws -> TLSClientContext {
        if let known: TLSClientContext = made.withLock({ $0 }) { return known }
        for path in files {
            guard let bytes: [UInt8] = Self.read(path) else { continue }
            let context = try TLSClientContext(trust: .authorities(try Certificate.bundle(pem: bytes)))
            made.withLock { $0 = context }
            return context
        }
        throw ProviderFault("this machine has no list of authorities; give the provider's")
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file: UnsafeMutablePointer<FILE> = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count < Limits.systemAuthoritiesBytes {
            let count: Int = fread(&piece, 1, piece.count, file)
            guard count > 0 else { break }
            bytes.append(contentsOf: piece[..<count])
        }
        return bytes
    }
}
