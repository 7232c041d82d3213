import HTTP
import JSON
import Model

/// The last stage: does what the request asks for.
enum Answering {
    static func stage(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer? {
        if let answer: Answer = try await SpecialPaths.answer(&exchange, gateway) { return answer }
        guard let definition: ResourceDefinition = exchange.definition else { return nil }
        let path: APIPath = exchange.path
        switch (exchange.method, path.id, path.link) {
        case ("GET", nil, _), ("HEAD", nil, _): return try Reading.collection(definition, exchange)
        case ("GET", let id?, nil) where exchange.query["revision"] != nil:
            return try await TimeTravel.item(definition, id, exchange, gateway)
        case ("GET", let id?, TimeTravel.link): return try await TimeTravel.history(definition, id, exchange, gateway)
        case ("GET", let id?, nil), ("HEAD", let id?, nil): return try Reading.item(definition, id, exchange, gateway)
        case ("GET", let id?, let link?), ("HEAD", let id?, let link?):
            return try Reading.link(definition, id, link, exchange, gateway)
        case ("POST", nil, _):
            if let action: String = exchange.query["action"] {
                throw .validation(
                    .invalidAction,
                    field: "action",
                    message: "\(definition.plural) have no action \(action)."
                )
            }
            return try await Creating.answer(definition, &exchange, gateway)
        case ("POST", let id?, nil):
            guard let action: String = exchange.query["action"] else {
                throw .methodNotAllowed(
                    "POST on a resource needs ?action=; to create one POST to \(definition.plural)."
                )
            }
            return try await Acting.answer(definition, id, action, &exchange, gateway)
        case ("POST", let id?, let link?): return try await Creating.below(definition, id, link, &exchange, gateway)
        case ("PUT", let id?, nil): return try await Updating.answer(definition, id, &exchange, gateway)
        case ("DELETE", let id?, nil): return try await Deleting.answer(definition, id, &exchange, gateway)
        default: throw .methodNotAllowed("\(exchange.method) is not possible on \(exchange.request.path).")
        }
    }
}
