import HTTP
import JSON
import Model
import RBAC
import Store
import StoreFormat

/// GET: items, collections, and what links lead to.
enum Reading {
    /// The resource of that id, if the caller may see it; 404 otherwise, whatever the reason.
    ///
    /// - Parameter written: what this request made of it.
    static func resource(
        _ definition: ResourceDefinition,
        _ id: String,
        _ exchange: Exchange,
        written: Changing.Written? = nil
    ) throws(Problem) -> Resource {
        let parsed: ResourceID? = ResourceID(id).flatMap { $0.cluster == nil ? $0 : nil }
        let found: Resource? = parsed.flatMap { Resource.find(definition, $0.number, in: exchange.view, written) }
        // One is judged in any case: what is not there must not be told from what is not to be seen by the time it takes.
        guard let judged: Resource = found ?? StandIn.resource(definition, exchange), isVisible(judged, exchange),
            found != nil
        else { throw .notFound("There is no \(definition.name) \(id).") }
        return judged
    }

    /// Whether the resource lies in the caller's reach: in the environment of the request, or anywhere it has rights.
    static func isVisible(_ resource: Resource, _ exchange: Exchange) -> Bool {
        exchange.rights.sees(resource.definition) && exchange.rights.may(.get, resource, in: exchange.view)
    }

    static func item(
        _ definition: ResourceDefinition,
        _ id: String,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) throws(Problem) -> Answer {
        guard exchange.rights.resourceMethods(of: definition).contains(.get) else {
            throw .methodNotAllowed("\(definition.nameInProse) cannot be read by id.")
        }
        let resource: Resource = try resource(definition, id, exchange)
        var document: JSONObject = document(resource, exchange)
        if definition.name == "project", document["quotaUsage"] != nil,
            let usage: JSONValue = QuotaGuard.document(resource.number, exchange, gateway)
        {
            document["quotaUsage"] = usage
        }
        return .document(status: 200, .object(document))
    }

    /// The document of one resource with what `include` asks for.
    static func document(_ resource: Resource, _ exchange: Exchange) -> JSONObject {
        let renderer: Renderer = exchange.renderer
        var document: JSONObject = renderer.document(resource)
        if let include: String = exchange.query["include"] {
            var inclusion = Inclusion(include, exchange, renderer)
            if let embedded = inclusion.embed(in: resource) { document[embedded.name] = embedded.value }
        }
        return document
    }

    static func collection(_ definition: ResourceDefinition, _ exchange: Exchange) throws(Problem) -> Answer {
        guard exchange.rights.collectionMethods(of: definition).contains(.get) else {
            throw .methodNotAllowed("\(definition.plural) cannot be listed.")
        }
        let query: CollectionQuery = try query(definition, exchange)
        let numbers: [UInt64] = CollectionSource.numbers(definition, query, exchange)
        let page = CollectionPage(numbers, query) { number in
            listed(definition, number, exchange).flatMap { comparable($0, query, exchange) }
        }
        return answer(page, of: definition, query, at: exchange.links.collection(definition), exchange)
    }

    /// A row of the type's collection; nil for what the caller is not shown there.
    private static func listed(_ definition: ResourceDefinition, _ number: UInt64, _ exchange: Exchange) -> Resource? {
        guard let resource: Resource = Resource.find(definition, number, in: exchange.view) else { return nil }
        if definition.isEnvironmentScoped, let project: UInt64 = exchange.projectNumber {
            guard resource.values[definition.environmentMember]?.int.flatMap({ UInt64(exactly: $0) }) == project else {
                return nil
            }
        }
        // Environments are accounts, too: whoever does not see all accounts finds its own here, and nothing else (A18).
        if definition.name == "account", resource.definition.name == "project", !exchange.rights.seesAllAccounts,
            resource.number != exchange.projectNumber
        {
            return nil
        }
        if definition.table == .userPreference, resource.accountID != exchange.caller.accountNumber,
            UserPreferences.listsOwn(exchange)
        {
            return nil
        }
        return isListed(resource, exchange) ? resource : nil
    }

    /// Nil for a row that does not show the caller what is compared: neither a filter nor an order may tell of it.
    static func comparable(_ resource: Resource, _ query: CollectionQuery, _ exchange: Exchange) -> Resource? {
        guard exchange.rights.hidesFieldsByObject(resource.definition.name),
            !query.filters.isEmpty || query.sort != nil
        else { return resource }
        let hidden: Set<String> = exchange.rights.hiddenFields(of: resource, in: exchange.view)
        let isShown: Bool =
            query.filters.allSatisfy { !hidden.contains($0.field) }
            && !(query.sort.map { hidden.contains($0.field) } ?? false)
        return isShown ? resource : nil
    }

    /// Listing is narrower than reading by id: credentials of other accounts are not in one's own list.
    private static func isListed(_ resource: Resource, _ exchange: Exchange) -> Bool {
        guard isVisible(resource, exchange) else { return false }
        guard resource.definition.table == .credential, let project: UInt64 = exchange.projectNumber else {
            return true
        }
        return resource.accountID == project
    }

    /// What the request asks for of a collection of the type.
    static func query(_ definition: ResourceDefinition, _ exchange: Exchange) throws(Problem) -> CollectionQuery {
        try CollectionQuery(
            exchange.query.items,
            fields: exchange.rights.visibleFields(of: definition).filter(\.isFilterable),
            now: exchange.time
        )
    }

    static func answer(
        _ page: CollectionPage,
        of definition: ResourceDefinition,
        _ query: CollectionQuery,
        at path: String,
        _ exchange: Exchange,
        createDefaults: JSONObject? = nil
    ) -> Answer {
        let renderer: Renderer = exchange.renderer
        var inclusion: Inclusion? = query.include.map { Inclusion($0, exchange, renderer) }
        return .document(
            status: 200,
            CollectionDocument.make(
                page,
                of: definition,
                query: query,
                items: exchange.query.items,
                path: path,
                renderer: renderer,
                createDefaults: createDefaults,
                embed: { inclusion?.embed(in: $0) }
            )
        )
    }

    static func link(
        _ definition: ResourceDefinition,
        _ id: String,
        _ name: String,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) throws(Problem) -> Answer {
        let resource: Resource = try resource(definition, id, exchange)
        if Renderer.streamLinks(of: resource.definition).contains(name.lowercased()) {
            return try Explanations.answer(resource, exchange, gateway)
        }
        guard let link: LinkDefinition = resource.definition.link(name),
            let target: ResourceDefinition = Schemas.definition(link.type), exchange.rights.sees(target)
        else { throw .notFound("\(definition.nameInProse) has no link \(name).") }
        if case .reference = link.kind {
            guard let single: Resource = follow(link, target, resource, exchange).first else {
                throw .notFound("The \(definition.name) \(id) has no \(link.name).")
            }
            return .document(status: 200, .object(document(single, exchange)))
        }
        let rendered: String = Renderer.id(of: resource)
        var defaults: JSONObject?
        if case .children(_, let member) = link.kind { defaults = [member: .string(rendered)] }
        let query: CollectionQuery = try query(target, exchange)
        let page = CollectionPage(candidates(link, resource, exchange), query) {
            followed(target, $0, exchange).flatMap { comparable($0, query, exchange) }
        }
        return answer(
            page,
            of: target,
            query,
            at: exchange.links.link(resource.definition, rendered, link.name),
            exchange,
            createDefaults: defaults
        )
    }

    /// The numbers in a reference or an array of references.
    static func numbers(_ value: JSONValue?) -> [UInt64] {
        let numbers: [Int64] = value?.int.map { [$0] } ?? value?.array?.compactMap(\.int) ?? []
        return numbers.compactMap { UInt64(exactly: $0) }
    }

    static func follow(
        _ link: LinkDefinition,
        _ target: ResourceDefinition,
        _ resource: Resource,
        _ exchange: Exchange
    ) -> [Resource] {
        candidates(link, resource, exchange).compactMap { followed(target, $0, exchange) }
    }

    /// The numbers of what may be at the other end of a link, ascending.
    private static func candidates(_ link: LinkDefinition, _ resource: Resource, _ exchange: Exchange) -> [UInt64] {
        switch link.kind {
        case .reference(let field), .named(let field): numbers(resource.values[field]).sorted()
        case .none: []
        case .children(let table, let member):
            exchange.view.numbers(table, RecordWriting.term(member, resource.number))
        }
    }

    private static func followed(_ target: ResourceDefinition, _ number: UInt64, _ exchange: Exchange) -> Resource? {
        guard let found: Resource = Resource.find(target, number, in: exchange.view), isVisible(found, exchange) else {
            return nil
        }
        return found
    }
}
