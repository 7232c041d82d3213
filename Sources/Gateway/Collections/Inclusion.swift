import JSON
import Model
import StoreFormat

/// Embeds the resources behind one link (`include=`) in documents.
struct Inclusion {
    private let name: String
    private let exchange: Exchange
    private let renderer: Renderer
    /// What many documents of a page refer to, such as their stack, is worked out once.
    private var made: [RecordKey: JSONValue] = [:]

    /// - Parameter name: the link's, in any case.
    init(_ name: String, _ exchange: Exchange, _ renderer: Renderer) {
        self.name = name
        self.exchange = exchange
        self.renderer = renderer
    }

    /// The member of the document: one resource for a reference, else an array; nil when there is no such link.
    mutating func embed(in resource: Resource) -> (name: String, value: JSONValue)? {
        guard let link: LinkDefinition = resource.definition.link(name),
            let target: ResourceDefinition = Schemas.definition(link.type), exchange.rights.sees(target)
        else { return nil }
        var documents: [JSONValue] = []
        switch link.kind {
        case .none: return (name: link.name, value: [])
        case .children:
            for child in Reading.follow(link, target, resource, exchange) where !child.isRemoved {
                documents.append(.object(renderer.document(child)))
            }
            return (name: link.name, value: .array(documents))
        case .reference(let field):
            // As the link itself: what was removed can still be read by whoever refers to it.
            let numbers: [UInt64] = Reading.numbers(resource.values[field])
            let found: JSONValue? = numbers.first.flatMap { document(target, $0, removed: true) }
            return (name: link.name, value: found ?? .null)
        case .named(let field):
            for number in Reading.numbers(resource.values[field]) {
                if let document: JSONValue = document(target, number, removed: false), !document.isNull {
                    documents.append(document)
                }
            }
            return (name: link.name, value: .array(documents))
        }
    }

    /// Null for one that does not exist or is not to be seen.
    ///
    /// - Parameter removed: whether one that was removed is shown.
    private mutating func document(_ target: ResourceDefinition, _ number: UInt64, removed: Bool) -> JSONValue? {
        guard let table: Table = target.table else { return nil }
        let key = RecordKey(table, number)
        if let known: JSONValue = made[key] { return known }
        var document: JSONValue = .null
        if let found: Resource = Resource.find(target, number, in: exchange.view), removed || !found.isRemoved,
            Reading.isVisible(found, exchange)
        {
            document = .object(renderer.document(found))
        }
        made[key] = document
        return document
    }
}
