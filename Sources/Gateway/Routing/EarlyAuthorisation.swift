import Model

/// Refuses what no change of the request could make right: a type that the caller does not see, a method that it has not.
enum EarlyAuthorisation {
    static func stage(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer? {
        guard let word: String = exchange.path.type else { return nil }
        guard let definition: ResourceDefinition = Schemas.find(word), exchange.rights.sees(definition) else {
            if SpecialPaths.names.contains(word.lowercased()) { return nil }
            throw .notFound("There is no type \(word) here, or it is not yours to see; GET schemas lists what is.")
        }
        // What can be no id of anything is not there, whatever was to be done with it.
        if let id: String = exchange.path.id, !ResourceID.isReadable(id) {
            throw .notFound("There is no \(definition.name) \(id).")
        }
        exchange.definition = definition
        return nil
    }
}
