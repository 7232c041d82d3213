package import HTTP
package import Metrics
import Store

extension Gateway {
    /// Who may read the metrics of a node.
    ///
    /// Everybody who can reach the port, as operators' collectors expect: there is no name of a tenant and no secret among them.
    /// Where the port is open to strangers the setting `metrics.access` asks for the key or the certificate of any account.
    ///
    /// Decided on what this node has applied: it must be readable while there is no leader, too.
    ///
    /// - Returns: the refusal, or nil.
    package func metricsRefusal(_ request: HTTPRequest, _ connection: ConnectionInfo? = nil) -> HTTPResponse? {
        let view: StoreView = state.store.view
        guard ActiveSettings.value(ActiveSettings.metricsAccess, view) == "accounts" else { return nil }
        let (header, time): (String?, Int64) = (request.headers["authorization"], now())
        do throws(Problem) {
            // A collector's address is not known here: those who guess are counted together, and do not disturb the API.
            try keyGuesses.check(header, from: Self.collectors, at: steady())
            let certified: CertifiedPeer? = connection.flatMap { .of($0, certificates) }
            let policy: PolicySnapshot = policies.snapshot(of: view)
            if try Identify.isAccount(request, certified, view, policy, time, certificates) {
                keyGuesses.succeeded(header, from: Self.collectors, isNew: true, at: steady())
                return nil
            }
        } catch {
            var response: HTTPResponse = .text(error.status, error.message ?? "")
            if let seconds: Int64 = error.retrySeconds { response.headers["Retry-After"] = String(seconds) }
            return response
        }
        _ = keyGuesses.failed(header, from: Self.collectors, at: steady())
        counters.denied()
        var response: HTTPResponse = .text(
            401,
            "The metrics of this cluster need an access key and a secret key (HTTP Basic authentication)."
        )
        response.headers["WWW-Authenticate"] = ResponseHeaders.challenge(request, view)
        return response
    }

    private static let collectors: String = "metrics"

    /// What the gateway looks up when its metrics are read.
    package var families: [MetricFamily] { counters.families }
}
