/// A configuration made ready: says for a request who is asked, and where it goes.
///
/// A class because requests that are under way keep theirs while the next one has another.
final class InterceptorTable: Sendable {
    let config: InterceptorConfig
    let isEmpty: Bool
    private let requests: [InterceptorRule]
    private let responses: [InterceptorRule]

    init(_ config: InterceptorConfig) {
        self.config = config
        requests = config.rules.filter { $0.phase == .request }
        responses = config.rules.filter { $0.phase == .response }
        isEmpty = config.rules.isEmpty && config.destinations.isEmpty
    }

    static let empty = InterceptorTable(InterceptorConfig.none)

    /// What happens to one request.
    struct Route: Sendable {
        /// In the order of the file.
        var requests: [InterceptorRule] = []
        var responses: [InterceptorRule] = []
        /// nil: the API itself.
        var destination: DestinationRule?
        /// The template of the first interceptor that fits, or of the destination.
        var template: String?

        var isEmpty: Bool { requests.isEmpty && responses.isEmpty && destination == nil }
    }

    func route(_ spelled: RequestSpellings) -> Route {
        var route = Route()
        for rule in requests {
            guard let template: PathTemplate = fitting(rule, spelled) else { continue }
            route.template = route.template ?? template.text
            // Equal ones run once.
            if !route.requests.contains(where: { $0.identity == rule.identity }) { route.requests.append(rule) }
        }
        for rule in responses where fitting(rule, spelled) != nil {
            if !route.responses.contains(where: { $0.identity == rule.identity }) { route.responses.append(rule) }
        }
        // First the one that names the handling template itself, as ever; else the first that fits (contract A20).
        if let template: String = route.template {
            route.destination = config.destinations.first { $0.templates.contains { $0.text == template } }
        }
        if route.destination == nil,
            let found = config.destinations.lazy.compactMap({ rule in
                rule.templates.first { spelled.fits($0) }.map { (rule, $0.text) }
            }).first
        {
            route.destination = found.0
            route.template = route.template ?? found.1
        }
        return route
    }

    /// Whether anybody is asked about this path, whatever the method.
    func intercepts(_ spelled: RequestSpellings) -> Bool {
        (requests + responses).contains { $0.templates.contains { spelled.fits($0) } }
    }

    private func fitting(_ rule: InterceptorRule, _ spelled: RequestSpellings) -> PathTemplate? {
        guard !rule.methods.isDisjoint(with: spelled.methods) else { return nil }
        return rule.templates.first { spelled.fits($0) }
    }
}
