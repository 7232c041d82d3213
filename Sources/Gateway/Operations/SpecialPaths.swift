import HTTP
import JSON
import Model
import RBAC

/// Types whose resources are no records, and streams.
enum SpecialPaths {
    /// Lower-case path segments that are answered here though no schema may name them.
    static let names: Set<String> = [
        "hoststream", ClusterAPI.name, "scripts", "token", "tokens", OpenIDLogin.name, openAPI,
    ]

    static let openAPI: String = "openapi.json"

    static func answer(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer? {
        guard let type: String = exchange.path.type?.lowercased() else {
            try requireReading(exchange)
            return .document(status: 200, version(exchange))
        }
        if type == "hoststream" { return try HostDoor.stream(exchange, gateway) }
        if type == openAPI {
            try requireReading(exchange)
            let (links, rights): (Links, Rights) = (exchange.links, exchange.rights)
            guard rights.canEver(.list, "schema"), exchange.path.version == .two, exchange.path.id == nil else {
                throw .notFound("There is nothing at \(exchange.request.path).")
            }
            let document = OpenAPIDocument(links: links, rights: rights, version: ResponseHeaders.safe(gateway.version))
            return .document(status: 200, document.value)
        }
        if type == "scripts" { return try EngineInspection.answer(exchange) }
        if type == ClusterAPI.name { return try await ClusterAPI.answer(&exchange, gateway) }
        if TokenAPI.isNamed(by: exchange.path) { return try await TokenAPI.answer(&exchange, gateway) }
        if OpenIDLogin.isNamed(by: exchange.path) { return try await OpenIDLogin.answer(&exchange, gateway) }
        switch exchange.definition?.name {
        case OpenIDConfig.provider: return try await OpenIDConfig.answer(&exchange, gateway)
        case "identity": return try await Identities.answer(&exchange, gateway)
        case LocalLogin.provider: return try await LocalAuthConfig.answer(&exchange, gateway)
        case "apiVersion": return try versions(exchange)
        case "schema": return try schemas(exchange)
        case "setting", "activeSetting": return try await SettingsAPI.answer(&exchange, gateway)
        case ClusterMemberships.type: return try await ClusterMemberships.answer(exchange, gateway)
        case HAConfig.type: return try await HAConfig.answer(exchange, gateway)
        case "projectTemplate": return try ProjectTemplates.answer(exchange)
        case "auditLog": return try await AuditLogAPI.answer(exchange, gateway)
        case "subscribe": return try Subscribing.answer(exchange, gateway)
        case "accessReview": return try AccessReviews.answer(exchange)
        case "register": return try await HostDoor.register(&exchange, gateway)
        case "hostCertificate": return try await HostCertificates.renew(&exchange, gateway)
        default:
            guard let definition: ResourceDefinition = exchange.definition, definition.table == nil else { return nil }
            if definition.isListable { return try nothing(of: definition, exchange) }
            throw .notFound(
                "\(definition.nameInProse) is only ever part of something else; it has no address of its own."
            )
        }
    }

    /// The API's front page: one link for each collection.
    private static func version(_ exchange: Exchange) -> JSONValue {
        let links: Links = exchange.links
        var object: JSONObject = ["self": .string(links.root)]
        for type in exchange.rights.visibleTypes where exchange.rights.collectionMethods(of: type).contains(.get) {
            let plural: String = exchange.path.version == .one ? VersionOne.theirs(word: type.plural) : type.plural
            object[plural] = .string(links.collection(type))
        }
        return .object([
            "id": .string(exchange.path.version.rawValue), "type": "apiVersion", "baseType": "apiVersion",
            "links": .object(object), "actions": [:],
        ])
    }

    private static func versions(_ exchange: Exchange) throws(Problem) -> Answer {
        try requireReading(exchange)
        if let id: String = exchange.path.id {
            guard id == exchange.path.version.rawValue else { throw .notFound("There is no apiVersion \(id).") }
            return .document(status: 200, version(exchange))
        }
        return .document(
            status: 200,
            .object([
                "type": "collection", "resourceType": "apiVersion",
                "links": ["self": .string("\(exchange.links.root)/apiversions")], "actions": [:],
                "data": [version(exchange)],
            ])
        )
    }

    /// A type of which there are none.
    private static func nothing(of definition: ResourceDefinition, _ exchange: Exchange) throws(Problem) -> Answer {
        try requireReading(exchange)
        if let id: String = exchange.path.id { throw .notFound("There is no \(definition.name) \(id).") }
        return try Reading.collection(definition, exchange)
    }

    static func requireReading(_ exchange: Exchange) throws(Problem) {
        guard exchange.method == "GET" || exchange.method == "HEAD" else {
            throw .methodNotAllowed("\(exchange.method) is not possible on \(exchange.request.path).")
        }
    }

    private static func schemas(_ exchange: Exchange) throws(Problem) -> Answer {
        let (links, rights): (Links, Rights) = (exchange.links, exchange.rights)
        try requireReading(exchange)
        if let word: String = exchange.path.id {
            guard let definition: ResourceDefinition = Schemas.find(word), rights.sees(definition) else {
                throw .notFound("There is no type \(word) here, or it is not yours to see.")
            }
            return .document(status: 200, SchemaDocument.make(definition, links: links, rights: rights))
        }
        return .document(
            status: 200,
            .object([
                "type": "collection", "resourceType": "schema", "links": ["self": .string(links.schemas)],
                "actions": [:],
                "data": .array(rights.visibleTypes.map { SchemaDocument.make($0, links: links, rights: rights) }),
            ])
        )
    }
}
