import Bytes
import HTTP
import JSON
import Limits
import Synchronization

/// What a provider says of itself (OpenID Connect Discovery 1.0), and its keys; kept for a while.
final class OpenIDProvider: Sendable {
    /// Where a provider does what.
    struct Places: Hashable, Sendable {
        /// As text: the browser goes there.
        var authorization: String
        var token: OutboundAddress
        var keys: OutboundAddress
        /// Whether the client's secret goes into the form instead of the header.
        var secretInForm: Bool
    }

    private struct Known {
        var issuer: String
        var authority: String?
        var places: Places
        var keys: SignatureKeySet
        /// Milliseconds since 1970.
        var placesRead: Int64
        var keysRead: Int64
    }

    private let known = Mutex<Known?>(nil)
    private let now: @Sendable () -> Int64

    init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    /// - Throws: also when the document is another issuer's, or lacks something.
    func places(_ settings: OpenIDSettings, _ calls: ProviderCalls) async throws(ProviderFault) -> Places {
        try await current(settings, calls).places
    }

    /// The provider's keys.
    ///
    /// - Parameter renewing: whether to ask again, since one is not there; done once in a while only.
    func keys(
        _ settings: OpenIDSettings,
        _ calls: ProviderCalls,
        renewing: Bool = false
    ) async throws(ProviderFault) -> SignatureKeySet {
        let current: Known = try await current(settings, calls)
        let age: Int64 = now() - current.keysRead
        guard age >= Limits.providerMemoryMilliseconds || (renewing && age >= Limits.providerPauseMilliseconds) else {
            return current.keys
        }
        var renewed: Known = current
        renewed.keys = SignatureKeySet(try await calls.get(current.places.keys))
        renewed.keysRead = now()
        known.withLock { $0 = renewed }
        return renewed.keys
    }

    private func current(_ settings: OpenIDSettings, _ calls: ProviderCalls) async throws(ProviderFault) -> Known {
        if let known: Known = known.withLock({ $0 }), known.issuer == settings.issuer,
            known.authority == settings.authority,
            now() - known.placesRead < Limits.providerMemoryMilliseconds
        {
            return known
        }
        let places: Places = try await Self.discover(settings.issuer, calls)
        let made = Known(
            issuer: settings.issuer,
            authority: settings.authority,
            places: places,
            keys: SignatureKeySet(try await calls.get(places.keys)),
            placesRead: now(),
            keysRead: now()
        )
        known.withLock { $0 = made }
        return made
    }

    private static func discover(_ issuer: String, _ calls: ProviderCalls) async throws(ProviderFault) -> Places {
        var base: Substring = issuer[...]
        while base.hasSuffix("/") { base = base.dropLast() }
        guard let address: OutboundAddress = ProviderCalls.address("\(base)/.well-known/openid-configuration"),
            !issuer.contains("?")
        else {
            throw ProviderFault("an issuer is an https:// address without a query")
        }
        let document: JSONValue = try await calls.get(address)
        guard document["issuer"]?.string == issuer else {
            throw ProviderFault("what \(address.authority) publishes is not of the issuer \(issuer)")
        }
        guard let authorization: String = document["authorization_endpoint"]?.string,
            ProviderCalls.address(authorization) != nil,
            let token: OutboundAddress = document["token_endpoint"]?.string.flatMap({ ProviderCalls.address($0) }),
            let keys: OutboundAddress = document["jwks_uri"]?.string.flatMap({ ProviderCalls.address($0) })
        else {
            throw ProviderFault(
                "\(address.authority) does not say where it authorises, gives tokens and publishes keys, over HTTPS"
            )
        }
        let methods: [String] =
            document["token_endpoint_auth_methods_supported"]?.array?.compactMap(\.string) ?? ["client_secret_basic"]
        return Places(
            authorization: authorization,
            token: token,
            keys: keys,
            secretInForm: !methods.contains("client_secret_basic") && methods.contains("client_secret_post")
        )
    }

    // MARK: The code

    /// Exchanges the code that the browser brought for the provider's token, and verifies it.
    ///
    /// - Throws: for a code that is not good, and a token that is not believed.
    func token(
        for code: String,
        of visit: OpenIDVisit,
        _ settings: OpenIDSettings,
        _ calls: ProviderCalls
    ) async throws(ProviderFault) -> IDToken {
        let places: Places = try await places(settings, calls)
        var form = QueryItems(items: [
            .init("grant_type", "authorization_code"), .init("code", code), .init("redirect_uri", visit.redirect),
            .init("client_id", settings.clientID), .init("code_verifier", visit.verifier),
        ])
        var basic: String?
        if let secret: String = settings.clientSecret {
            if places.secretInForm {
                form.items.append(.init("client_secret", secret))
            } else {
                // Both halves are encoded as in forms first (RFC 6749, section 2.3.1).
                let pair = "\(PercentCoding.encode(settings.clientID)):\(PercentCoding.encode(secret))"
                basic = Base64.encode(Array(pair.utf8))
            }
        }
        let answer: JSONValue = try await calls.post(places.token, form: form, basic: basic)
        guard let text: String = answer["id_token"]?.string else {
            throw ProviderFault("the provider gives no id_token: is openid among the scopes?")
        }
        let expected = IDToken.Expected(
            issuer: settings.issuer,
            clientID: settings.clientID,
            nonce: visit.nonce,
            time: now()
        )
        let known: SignatureKeySet = try await keys(settings, calls)
        do throws(IDTokenFault) {
            return try IDToken(verifying: text, keys: known, expected: expected)
        } catch {
            guard error == .unknownKey else { throw ProviderFault("\(error)") }
        }
        let newer: SignatureKeySet = try await keys(settings, calls, renewing: true)
        do throws(IDTokenFault) {
            return try IDToken(verifying: text, keys: newer, expected: expected)
        } catch {
            throw ProviderFault("\(error)")
        }
    }
}
