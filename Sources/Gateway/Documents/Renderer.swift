import JSON
import Model
import RBAC
import Store
import StoreFormat

/// Makes documents of resources for one caller: the fields, links and actions that this caller may see, with the caller's
/// address in front of every link.
struct Renderer: Sendable {
    let links: Links
    let rights: Rights
    /// The state that lists of what belongs to a resource are taken from.
    let view: StoreView
    /// Whether actions stand under the key `actionLinks` (`X-API-Action-Links`, `_actionLinks`).
    var usesActionLinks: Bool = false
    /// The address that the caller used, and the fingerprint of the cluster's authority: for registration tokens.
    let base: BaseURL
    var authorityFingerprint: [UInt8]?

    /// What registration tokens are signed with, and the address that they lead to.
    private var registration: RegistrationPlace? {
        RegistrationPlace(view: view, base: base, pin: authorityFingerprint)
    }

    /// - Parameter onCreate: whether this answers the POST that made it: the one time that secrets show.
    func document(_ resource: Resource, onCreate: Bool = false) -> JSONObject {
        let definition: ResourceDefinition = resource.definition
        let id: String = Self.id(of: resource)
        var document = JSONObject()
        document.append("id", .string(id))
        document.append("type", .string(definition.name))
        document.append("baseType", .string(definition.baseType))
        document.append("links", .object(self.links(of: resource, id: id)))
        document.append(usesActionLinks ? "actionLinks" : "actions", .object(actions(of: resource, id: id)))
        let extra: JSONObject = definition.name == "registrationToken" ? registration?.fields(of: resource) ?? [:] : [:]
        var values: JSONObject = resource.values
        ComputedFields.addLists(to: &values, definition, resource.number, in: view)
        // Appended, not set: names of fields stand once, and a search for each costs more than all the rest.
        let hidden: Set<String> = rights.hiddenFields(of: resource, in: view)
        for field in rights.visibleFields(of: definition) where field.name != "id" && !hidden.contains(field.name) {
            let value: JSONValue = (extra.isEmpty ? nil : extra[field.name]) ?? values[field.name] ?? .null
            let isHidden: Bool = field.isReadOnCreateOnly && !onCreate
            let shown: JSONValue = isHidden ? .null : Self.rendered(value, field.type, default: field)
            document.append(field.name, Self.visible(shown, field.type, rights))
            if field.type == .date, let milliseconds: Int64 = value.int {
                document.append("\(field.name)TS", .int(milliseconds))
            }
        }
        return document
    }

    /// The rendered id: `1s42`, or the name where names are ids.
    static func id(of resource: Resource) -> String {
        if let letters: String = resource.definition.idLetters {
            return ResourceID(number: resource.number).rendered(letters)
        }
        return resource.values["name"]?.string ?? String(resource.number)
    }

    private func links(of resource: Resource, id: String) -> JSONObject {
        let definition: ResourceDefinition = resource.definition
        var object = JSONObject()
        let item: String = links.item(definition, id)
        object.append("self", .string(item))
        // An environment leads to everything that the caller can list in it, also from outside of it (contract A18).
        let isEnvironment: Bool = definition.name == "project"
        for link in definition.links where !isEnvironment || link.type == "projectMember" {
            guard let target: ResourceDefinition = Schemas.definition(link.type), rights.sees(target) else { continue }
            if case .reference(let field) = link.kind, resource.values[field]?.int == nil { continue }
            object[link.name] = .string(links.link(definition, id, link.pathSegment))
        }
        if isEnvironment {
            for type in rights.listable(in: resource.number) where object[type.plural] == nil {
                object[type.plural] = .string(links.collection(type, in: id))
            }
        }
        if definition.name == "registrationToken", let place = registration,
            let address: JSONValue = place.fields(of: resource)["registrationUrl"]
        {
            object["registrationUrl"] = address
        }
        for name in Self.streamLinks(of: definition) { object[name] = .string(links.link(definition, id, name)) }
        return object
    }

    /// Links that answer no resources: the explanation of a resource's state.
    static func streamLinks(of definition: ResourceDefinition) -> [String] {
        ["service", "instance", "container", "stack", "host"].contains(definition.name) ? ["explain"] : []
    }

    private func actions(of resource: Resource, id: String) -> JSONObject {
        var object = JSONObject()
        for action in resource.definition.actions
        where Availability.isOffered(action, for: resource) && mayTake(action, resource) {
            object[action.name] = .string(links.action(resource.definition, id, action.name))
        }
        return object
    }

    private func mayTake(_ action: ActionDefinition, _ resource: Resource) -> Bool {
        if rights.mayAct(action.name, on: resource.definition), rights.may(.action(action.name), resource, in: view) {
            return true
        }
        // A setting may give this one to more than the roles do.
        return action.name == ProjectMembers.setting
            && ProjectMembers.settingRole(rights.subject, resource.number, in: view) != nil
    }

    /// A stored value as the API writes it.
    static func rendered(_ value: JSONValue, _ type: FieldType, default field: FieldDefinition? = nil) -> JSONValue {
        switch (value, type) {
        case (.null, .boolean):
            guard let field, !field.isNullable else { return .null }
            return field.defaultValue ?? false
        case (.int(let milliseconds), .date): return .string(StoredDate.text(milliseconds))
        case (.int(let number), .reference(let target)):
            guard let number = UInt64(exactly: number) else { return .null }
            return .string(ResourceID(number: number).rendered(Schemas.idLetters(of: target)))
        case (.array(let elements), .array(let inner)): return .array(elements.map { rendered($0, inner) })
        case (.object(let object), .map(let inner)):
            var result = JSONObject()
            for (key, member) in object { result.append(key, rendered(member, inner)) }
            return .object(result)
        case (.object(let object), .embedded(let schema)): return .object(embedded(object, schema))
        default: return value
        }
    }

    /// A rendered value without what the caller may not see of the objects inside it.
    static func visible(_ value: JSONValue, _ type: FieldType, _ rights: Rights) -> JSONValue {
        guard case .embedded(let schema) = type.innermost else { return value }
        let hidden: Set<String> = rights.hiddenParts(schema)
        guard !hidden.isEmpty else { return value }
        switch value {
        case .object(let object):
            var result = JSONObject()
            for (key, member) in object where !hidden.contains(key) { result.append(key, member) }
            return .object(result)
        case .array(let elements): return .array(elements.map { visible($0, type, rights) })
        default: return value
        }
    }

    /// An embedded object: typed, its references rendered, members without a definition as they are.
    private static func embedded(_ object: JSONObject, _ schema: String) -> JSONObject {
        var result = JSONObject()
        result.append("type", object["type"] ?? .string(schema))
        let definition: ResourceDefinition? = Schemas.definition(schema)
        // Appended, not set: keys stand once, and a search for each would be quadratic in what a client sent.
        for (key, member) in object where key != "type" {
            result.append(key, rendered(member, definition?.field(key)?.type ?? .json))
        }
        return result
    }
}

/// Which actions a resource offers now, before rights narrow them.
enum Availability {
    /// An instance's process is judged by what is wanted of it, not only by what is reported: one that is to stop may be
    /// started again before its host has said a word.
    static func isOffered(_ action: ActionDefinition, for resource: Resource) -> Bool {
        guard !resource.isRemoved || action.name == "purge" else { return false }
        return resource.definition.isAvailable(action, in: lifecycleState(resource))
    }

    /// The state that processes start from: a host's own, not its agent's.
    static func lifecycleState(_ resource: Resource) -> String {
        guard resource.definition.name == "host",
            let stored = try? HostRecord(document: resource.record.document)
        else { return resource.state }
        return stored.state
    }
}
