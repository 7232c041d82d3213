import HTTP
import JSON
import Model
import Store

/// The headers that go with every answer of the API (contract A4).
enum ResponseHeaders {
    /// - Parameters:
    ///   - id: the request's, as in its error document and on its log lines.
    ///   - exchange: nil for a request that was refused before there was one.
    static func add(
        to response: inout HTTPResponse,
        links: Links,
        id: String,
        _ exchange: Exchange?,
        _ gateway: Gateway
    ) {
        let policy: PolicySnapshot = exchange?.policy ?? gateway.policies.snapshot(of: gateway.state.store.view)
        response.headers["X-API-Schemas"] = links.schemas
        response.headers["X-API-Request-Id"] = id
        response.headers["X-Rancher-Version"] = policy.versionHeader
        response.headers["X-Drover-Version"] = safe(gateway.version)
        guard let exchange else { return }
        if exchange.forwarded == nil, let cookie: String = CSRF.setCookie(exchange.request, exchange.base) {
            response.headers.append("Set-Cookie", cookie)
        }
        response.headers["X-API-Client-IP"] = exchange.client.claimed
        guard let number: UInt64 = exchange.caller.accountNumber, let account = exchange.caller.account else { return }
        let user: String = ResourceID(number: number).rendered("a")
        response.headers["X-API-User-Id"] = user
        response.headers["X-API-Account-Id"] =
            exchange.projectNumber.map { ResourceID(number: $0).rendered("a") } ?? user
        response.headers["X-API-Account-Kind"] = safe(account.kind)
        response.headers["X-API-Account-Name"] = safe(account.name)
    }

    /// The challenge for credentials; nil when the client asked not to be challenged (a browser would open a dialogue).
    static func challenge(_ request: HTTPRequest, _ view: StoreView) -> String? {
        guard request.headers["x-api-no-challenge"]?.lowercased() != "true",
            !request.headers.list("connection", contains: "upgrade")
        else { return nil }
        let realm: String = safe(ActiveSettings.value("api.auth.realm", view) ?? "").filter { $0 != "\"" && $0 != "\\" }
        return "Basic realm=\"\(realm)\""
    }

    /// Names are users' text: whatever cannot stand in a header is left out.
    static func safe(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.filter { $0.isASCII && $0.value >= 0x20 && $0.value != 0x7F })
        )
    }
}
