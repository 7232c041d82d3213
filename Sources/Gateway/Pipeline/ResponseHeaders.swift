import HTTP
import JSON
import Model

/// The headers that go with every answer of the API (contract 1.3).
enum ResponseHeaders {
    static func add(to response: inout HTTPResponse, links: Links, _ exchange: Exchange?, version: String) {
        response.headers["X-API-Schemas"] = links.schemas
        response.headers["X-Rancher-Version"] = version
        guard let exchange else { return }
        response.headers["X-API-Request-Id"] = exchange.id
        response.headers["X-API-Client-IP"] = safe(exchange.clientIP)
        guard let number: UInt64 = exchange.caller.accountNumber, let account = exchange.caller.account else { return }
        let user: String = ResourceID(number: number).rendered("a")
        response.headers["X-API-User-Id"] = user
        response.headers["X-API-Account-Id"] =
            exchange.projectNumber.map { ResourceID(number: $0).rendered("a") } ?? user
        response.headers["X-API-Account-Kind"] = safe(account.kind)
        response.headers["X-API-Account-Name"] = safe(account.name)
    }

    /// Names are users' text: whatever cannot stand in a header is left out.
    private static func safe(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.isASCII && $0.value >= 0x20 && $0.value != 0x7F }))
    }
}
