import HTTP
import JSON
import Limits
import Logging
import Model
import Store
import StoreFormat

/// Logging in through a provider: `GET openid/login` sends the browser there, `GET openid/callback` receives it.
///
/// Authorization code with PKCE; state, nonce and a cookie tie the two together (OpenID Connect Core 1.0, section 3.1; RFC 7636).
enum OpenIDLogin {
    static let name: String = "openid"
    static let person: String = "openid_user"
    static let group: String = "openid_group"

    static func isNamed(by path: APIPath) -> Bool { path.type?.lowercased() == name }

    static func answer(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard exchange.method == "GET" else { throw .methodNotAllowed("A browser comes here with GET.") }
        guard exchange.policy.authProvider == OpenIDConfig.provider,
            let settings: OpenIDSettings = OpenIDStore.read(exchange.view, exchange.policy.identityKeys)
        else {
            throw Problem(
                status: 404,
                code: "NoAuthProvider",
                message: "People do not log in through a provider here, or its secret was lost: set it again."
            )
        }
        switch exchange.path.id {
        case "login": return try await leave(exchange, settings, gateway)
        case "callback":
            do throws(Problem) {
                return try await comeBack(&exchange, settings, gateway)
            } catch {
                gateway.logger.notice(
                    "login refused",
                    [
                        "audit": "login.refused", "request.id": .string(exchange.id),
                        "client.ip": .string(exchange.client.audited), "auth.provider": .string(OpenIDConfig.provider),
                        "problem": JSONValue(error.message),
                    ]
                )
                throw error
            }
        default: throw .notFound("There is nothing at \(exchange.request.path).")
        }
    }

    /// Where a browser goes to log in.
    static func start(_ exchange: Exchange) -> String {
        "\(exchange.base.text)/\(APIPath.currentVersion)/\(name)/login"
    }

    /// Where the provider sends it back to; has to be known to the provider.
    static func redirect(_ exchange: Exchange) -> String {
        "\(ActiveSettings.host(exchange.view) ?? exchange.base.text)/\(APIPath.currentVersion)/\(name)/callback"
    }

    // MARK: There

    private static func leave(
        _ exchange: Exchange,
        _ settings: OpenIDSettings,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let places: OpenIDProvider.Places
        do throws(ProviderFault) {
            let calls = ProviderCalls(loop: exchange.connection.loop, authority: settings.authority)
            places = try await gateway.provider.places(settings, calls)
        } catch {
            throw .unavailable("The provider cannot be asked: \(error).")
        }
        let visit = OpenIDVisit(
            redirect: redirect(exchange),
            destination: destination(exchange.query["redirect"]),
            at: exchange.time
        )
        guard let key: IdentityKey = exchange.policy.identityKeys.newest, let state: String = visit.sealed(key) else {
            throw .unavailable("This node has no key for logins yet; try again.")
        }
        let query = QueryItems(items: [
            .init("response_type", "code"), .init("client_id", settings.clientID),
            .init("redirect_uri", visit.redirect),
            .init("scope", settings.scopes), .init("state", state), .init("nonce", visit.nonce),
            .init("code_challenge", visit.challenge), .init("code_challenge_method", "S256"),
        ])
        let separator: String = places.authorization.contains("?") ? "&" : "?"
        var response = HTTPResponse(status: 302)
        response.headers["Location"] = "\(places.authorization)\(separator)\(query.encoded)"
        response.headers["Cache-Control"] = "no-store"
        response.headers.append("Set-Cookie", cookie(OpenIDVisit.cookie, visit.binding, exchange, "Max-Age=600;"))
        return .http(response)
    }

    /// A path on this server, and nothing that a browser could take for another place.
    static func destination(_ text: String?) -> String {
        guard let text, text.utf8.count <= 1_024, text.hasPrefix("/"), !text.hasPrefix("//"),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
        else { return "/" }
        return text
    }

    /// `Lax`, so that it comes along when the provider sends the browser back.
    private static func cookie(_ name: String, _ value: String, _ exchange: Exchange, _ more: String = "") -> String {
        let secure: String = exchange.base.scheme == "https" ? ";Secure" : ""
        return "\(name)=\(value);Path=/;\(more)HttpOnly;SameSite=Lax\(secure)"
    }

    // MARK: Back

    private static func comeBack(
        _ exchange: inout Exchange,
        _ settings: OpenIDSettings,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        guard let state: String = exchange.query["state"],
            let cookie: String = Cookies.value(OpenIDVisit.cookie, exchange.request.headers),
            let visit = OpenIDVisit(
                opening: state,
                keys: exchange.policy.identityKeys.all,
                cookie: cookie,
                at: exchange.time
            ), gateway.endedVisits.end(visit, now: gateway.now())
        else { throw invalid("This is not the end of a login that this browser began here less than ten minutes ago") }
        guard let code: String = exchange.query["code"], !code.isEmpty else {
            // One of the provider's own words (RFC 6749, section 4.1.2.1).
            let word: String = exchange.query["error"] ?? ""
            throw invalid(
                "The provider gave no code: \(word.filter { $0.isASCII && ($0.isLetter || $0 == "_") }.prefix(40))"
            )
        }
        let token: IDToken
        do throws(ProviderFault) {
            let calls = ProviderCalls(loop: exchange.connection.loop, authority: settings.authority)
            token = try await gateway.provider.token(for: code, of: visit, settings, calls)
        } catch {
            throw invalid("\(error)")
        }
        let vouched: Vouched = try await OpenIDAccounts.vouch(token, settings, &exchange, gateway)
        let given = try await TokenAPI.give(vouched, OpenIDConfig.provider, &exchange, gateway)
        var response = HTTPResponse(status: 302)
        response.headers["Location"] = visit.destination
        response.headers["Cache-Control"] = "no-store"
        response.headers.append("Set-Cookie", self.cookie(LoginToken.name, given.token, exchange))
        response.headers.append("Set-Cookie", self.cookie(OpenIDVisit.cookie, "", exchange, "Max-Age=0;"))
        return .http(response)
    }

    private static func invalid(_ message: String) -> Problem {
        Problem(status: 400, code: "codeInvalid", message: "\(message).")
    }
}
