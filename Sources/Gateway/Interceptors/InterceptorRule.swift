import JSON

/// One interceptor of the configuration.
struct InterceptorRule: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Says who is calling.
        case authTokenValidator
        case http(OutboundAddress)
    }

    enum Mode: String, Hashable, Sendable {
        case enforce
        /// Called and compared, never obeyed.
        case shadow
    }

    /// What happens when it cannot be asked, or its answer cannot be used.
    enum FailurePolicy: String, Hashable, Sendable {
        /// The request is refused.
        case fail
        /// The request goes on as if it had not been asked.
        case ignore
    }

    /// Which list it stands in.
    enum Phase: String, Hashable, Sendable {
        case request = "requestInterceptors"
        case response = "responseInterceptors"
    }

    var phase: Phase
    /// Its place in its list, from 0.
    var index: Int
    /// As the configuration names it, else made of kind and place.
    var name: String
    var kind: Kind
    var templates: [PathTemplate]
    /// Upper-case.
    var methods: Set<String>
    /// Signs what is sent; empty for none.
    var secretToken: String
    var timeoutMilliseconds: Int
    var failurePolicy: FailurePolicy
    var mode: Mode
    /// It may see the credentials of the request.
    var passesCredentials: Bool
    /// It may see passwords and the like in bodies.
    var passesSecrets: Bool
    var allowedAddresses: [AddressRange]
    /// For whom assertions are; nil for where it listens.
    var audience: String?

    var endpoint: OutboundAddress? { if case .http(let address) = kind { address } else { nil } }

    var typeName: String { endpoint == nil ? "authTokenValidator" : "http" }

    /// For messages: never the secret, nor what stands behind the host, which may be one.
    var shown: String { endpoint.map { "http interceptor \($0.authority)" } ?? "authTokenValidator" }

    /// Two that are the same service with the same key run once for a request (contract A20).
    var identity: [String] {
        [
            phase.rawValue, typeName, endpoint.map { "\($0.authority)\($0.target)" } ?? "", secretToken, mode.rawValue,
        ]
    }

    /// Under which its state is kept from one configuration to the next.
    var key: String { "\(phase.rawValue)/\(name)/\(shown)/\(mode.rawValue)" }
}

/// Where requests for some paths are sent instead of to the API.
struct DestinationRule: Hashable, Sendable {
    var index: Int
    var templates: [PathTemplate]
    var address: OutboundAddress
    var passesCredentials: Bool
    var allowedAddresses: [AddressRange]
    /// It is told who is calling, under the cluster's key.
    var asserts: Bool
    var audience: String?
}
