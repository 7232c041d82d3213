import Gateway
import JSON
import Services
import Store
import StoreFormat

/// The controllers' explanations as the API shows them.
struct Explainer: Explaining {
    let parsed: ParsedDocuments

    func explain(_ key: RecordKey, in view: StoreView) -> JSONValue? {
        guard let explanation: Explanation = Explanation.explain(key, in: StateReader(view, parsed)) else { return nil }
        return .object([
            "type": "explanation", "title": .string(explanation.title), "state": .string(explanation.state),
            "because": JSONValue(explanation.because), "waitsFor": JSONValue(explanation.waitsFor),
            "fix": JSONValue(explanation.fix),
        ])
    }
}
