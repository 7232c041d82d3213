package import HTTP
package import Metrics
import Store

extension Gateway {
    /// Who may read the metrics of a node.
    ///
    /// Everybody who can reach the port, as operators' collectors expect: there is no name of a tenant and no secret among them.
    /// Where the port is open to strangers the setting `metrics.access` asks for the key of any account.
    ///
    /// Decided on what this node has applied: it must be readable while there is no leader, too.
    ///
    /// - Returns: the refusal, or nil.
    package func metricsRefusal(_ request: HTTPRequest) -> HTTPResponse? {
        let view: StoreView = state.store.view
        guard ActiveSettings.value(ActiveSettings.metricsAccess, view) == "accounts",
            !Identify.isAccount(request, view, now())
        else { return nil }
        counters.denied()
        var response: HTTPResponse = .text(
            401,
            "The metrics of this cluster need an access key and a secret key (HTTP Basic authentication)."
        )
        response.headers["WWW-Authenticate"] = ResponseHeaders.challenge(request, view)
        return response
    }

    /// What the gateway looks up when its metrics are read.
    package var families: [MetricFamily] { counters.families }
}
