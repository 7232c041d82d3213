package import JSON
import Model
package import Store
package import StoreFormat

/// Says why a resource is in its state; the node supplies it out of the controllers' own decisions.
package protocol Explaining: Sendable {
    /// `{"title", "state", "because": [], "waitsFor": [], "fix": [], "hosts": [{"host", "verdict"}]}`; nil for what has no explanation.
    func explain(_ key: RecordKey, in view: StoreView) -> JSONValue?
}

/// The link `explain` of what is deployed.
enum Explanations {
    static func answer(_ resource: Resource, _ exchange: Exchange, _ gateway: Gateway) throws(Problem) -> Answer {
        guard let explanation: JSONValue = gateway.explainer.explain(resource.record.key, in: exchange.view) else {
            throw .notFound("There is nothing to explain about a \(resource.definition.name).")
        }
        return .document(status: 200, explanation)
    }
}
