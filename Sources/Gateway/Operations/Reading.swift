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
        guard let parsed = ResourceID(id), parsed.cluster == nil,
            let resource: Resource = Resource.find(definition, parsed.number, in: exchange.view, written),
            isVisible(resource, exchange)
        else { throw .notFound("There is no \(definition.name) \(id).") }
        return resource
    }

    /// Whether the resource lies in the caller's reach: in the environment of the request, or anywhere it has rights.
    static func isVisible(_ resource: Resource, _ exchange: Exchange) -> Bool {
        exchange.rights.sees(resource.definition) && exchange.rights.may(.get, resource, in: exchange.view)
    }

    static func item(_ definition: ResourceDefinition, _ id: String, _ exchange: Exchange) throws(Problem) -> Answer {
        guard exchange.rights.resourceMethods(of: definition).contains(.get) else {
            throw .methodNotAllowed("A \(definition.name) cannot be read by id.")
        }
        let resource: Resource = try resource(definition, id, exchange)
        return .document(status: 200, .object(document(resource, exchange)))
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
        return try page(all(definition, exchange), of: definition, at: exchange.links.collection(definition), exchange)
    }

    /// Every resource of the type within the caller's reach.
    static func all(_ definition: ResourceDefinition, _ exchange: Exchange) -> [Resource] {
        guard let table: Table = definition.table else { return [] }
        let records: [Record]
        if definition.isEnvironmentScoped, let project: UInt64 = exchange.projectNumber {
            records = exchange.view.records(table, RecordWriting.term(definition.environmentMember, project))
        } else if table == .roleTemplate {
            records = BuiltInTemplates.records + exchange.view.records(in: table)
        } else {
            records = exchange.view.records(in: table)
        }
        return records.compactMap { record in
            guard let resource = Resource(record, in: exchange.view),
                Schemas.isType(resource.definition.name, kindOf: definition.name), isListed(resource, exchange)
            else { return nil }
            return resource
        }
    }

    /// Listing is narrower than reading by id: credentials of other accounts are not in one's own list.
    private static func isListed(_ resource: Resource, _ exchange: Exchange) -> Bool {
        guard isVisible(resource, exchange) else { return false }
        guard resource.definition.table == .credential, let project: UInt64 = exchange.projectNumber else {
            return true
        }
        return resource.accountID == project
    }

    static func page(
        _ resources: [Resource],
        of definition: ResourceDefinition,
        at path: String,
        _ exchange: Exchange,
        createDefaults: JSONObject? = nil
    ) throws(Problem) -> Answer {
        let renderer: Renderer = exchange.renderer
        let query = try CollectionQuery(
            exchange.query.items,
            fields: exchange.rights.visibleFields(of: definition).filter(\.isFilterable)
        )
        var inclusion: Inclusion? = query.include.map { Inclusion($0, exchange, renderer) }
        return .document(
            status: 200,
            CollectionDocument.make(
                resources,
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
        else { throw .notFound("A \(definition.name) has no link \(name).") }
        let found: [Resource] = follow(link, target, resource, exchange)
        if case .reference = link.kind {
            guard let single: Resource = found.first else {
                throw .notFound("The \(definition.name) \(id) has no \(link.name).")
            }
            return .document(status: 200, .object(exchange.renderer.document(single)))
        }
        let rendered: String = Renderer.id(of: resource)
        var defaults: JSONObject?
        if case .children(_, let member) = link.kind { defaults = [member: .string(rendered)] }
        return try page(
            found,
            of: target,
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
        let candidates: [Resource]
        switch link.kind {
        case .reference(let field), .named(let field):
            candidates = numbers(resource.values[field]).compactMap { Resource.find(target, $0, in: exchange.view) }
        case .children(let table, let member):
            candidates = exchange.view.records(table, RecordWriting.term(member, resource.number)).compactMap {
                Resource($0, in: exchange.view)
            }.filter { Schemas.isType($0.definition.name, kindOf: target.name) }
        }
        return candidates.filter { isVisible($0, exchange) }
    }
}
