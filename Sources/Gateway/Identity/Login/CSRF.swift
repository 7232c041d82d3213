import Bytes
import Crypto
import HTTP

/// Keeps other sites' pages from changing anything with a browser's cookies, on top of ``CrossSite`` (contract A19).
///
/// Browsers only: the first answer sets a cookie `CSRF`, and from then on every request but GET has to carry its value in
/// the header `X-API-CSRF` or the parameter `CSRF`, which no other site can read.
enum CSRF {
    static let cookie: String = "CSRF"
    private static let header: String = "x-api-csrf"

    /// - Throws: 403 for a change without the cookie's value.
    static func check(_ exchange: Exchange) throws(Problem) {
        guard isBrowser(exchange.request.headers), !["GET", "HEAD", "OPTIONS"].contains(exchange.method),
            let expected: String = Cookies.value(cookie, exchange.request.headers), !expected.isEmpty
        else { return }
        let given: String = exchange.request.headers[header] ?? exchange.query[cookie] ?? ""
        guard ConstantTime.equals(SHA256.hash(Array(given.utf8)), SHA256.hash(Array(expected.utf8))) else {
            throw Problem(
                status: 403,
                code: "InvalidCSRFToken",
                message: "A change by a browser has to carry the value of its cookie CSRF in the header X-API-CSRF."
            )
        }
    }

    /// Of a request that a cookie vouches for: no form of another site has this type.
    ///
    /// - Throws: 415 for a change whose body says that it is something else than JSON, or does not say.
    static func checkBody(_ exchange: Exchange) throws(Problem) {
        guard !["GET", "HEAD", "OPTIONS"].contains(exchange.method), !exchange.request.body.isEmpty else { return }
        let type: String = exchange.request.headers["content-type"]?.lowercased() ?? ""
        guard type.hasPrefix("application/json") else {
            throw Problem(
                status: 415,
                code: "Unsupported Media Type",
                message:
                    "A browser's change with a cookie's login or a certificate has to say Content-Type: application/json."
            )
        }
    }

    /// Of a request that a certificate vouches for, which a browser shows whichever page asks.
    ///
    /// - Throws: 415 as ``checkBody(_:)``, to browsers.
    static func checkAmbient(_ exchange: Exchange) throws(Problem) {
        if isBrowser(exchange.request.headers), exchange.forwarded == nil { try checkBody(exchange) }
    }

    /// What the answer to a browser without the cookie sets; nil for everybody else.
    static func setCookie(_ request: HTTPRequest, _ base: BaseURL) -> String? {
        guard isBrowser(request.headers), Cookies.value(cookie, request.headers) == nil else { return nil }
        let secure: String = base.scheme == "https" ? "; Secure" : ""
        return "\(cookie)=\(Hex.encode(SecureRandom.bytes(5)));Path=/;SameSite=Lax\(secure)"
    }

    private static func isBrowser(_ headers: HTTPHeaders) -> Bool {
        headers.value(of: "user-agent", mentions: "mozilla")
    }
}
