import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// Settings (contract A15): one list of what is stored and what is the default, by name.
enum SettingsAPI {
    static func answer(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        switch (exchange.method, exchange.path.id) {
        case ("GET", nil), ("HEAD", nil): return try list(exchange)
        case ("GET", let name?), ("HEAD", let name?): return .document(status: 200, try document(name, exchange))
        case ("POST", nil):
            guard exchange.rights.collectionMethods(of: setting).contains(.post) else { throw notYours }
            let body: JSONObject = try exchange.body()
            let name: String = body["name"]?.string ?? ""
            let value: String = try SettingValue.checked(name, body, exchange)
            try await store(name, value, .create, &exchange, gateway)
            return .document(status: 201, .object(written(name, value, exchange)))
        case ("PUT", let name?):
            guard exchange.rights.resourceMethods(of: setting).contains(.put) else { throw notYours }
            let value: String = try SettingValue.checked(name, try exchange.body(), exchange)
            try await store(name, value, .update, &exchange, gateway)
            return .document(status: 200, .object(written(name, value, exchange)))
        case ("DELETE", let name?):
            guard exchange.rights.resourceMethods(of: setting).contains(.delete) else { throw notYours }
            return try await revert(name, &exchange, gateway)
        default: throw .methodNotAllowed("\(exchange.method) is not possible on settings.")
        }
    }

    private static var setting: ResourceDefinition {
        Schemas.definition("setting") ?? Schemas.all[0]
    }

    /// What is read.
    private static var active: ResourceDefinition { Schemas.definition("activeSetting") ?? setting }

    private static let notYours = Problem.methodNotAllowed("Settings are for administrators to change.")

    /// With the filters, orders and pages of every collection; without a `limit` it is the whole list, which clients read
    /// once and keep.
    private static func list(_ exchange: Exchange) throws(Problem) -> Answer {
        var names: Set<String> = Set(SettingCatalogue.all.map(\.name))
        for record in exchange.view.records(in: .setting) {
            if let stored = try? SettingRecord(document: record.document) { names.insert(stored.name) }
        }
        let items: [QueryItems.Item] = exchange.query.items
        var query = try CollectionQuery(
            items,
            fields: exchange.rights.visibleFields(of: active).filter(\.isFilterable),
            now: exchange.time,
            idsAreNames: true
        )
        if exchange.query["limit"] == nil { query.limit = Limits.collectionMaximum }
        // Administrators can ask for what everybody sees.
        let onlyPublic: Bool = ["false", "0"].contains(exchange.query["all"]?.lowercased())
        let rows: [Resource] = names.sorted().compactMap { name in
            guard SettingCatalogue.isListed(name), !onlyPublic || exchange.policy.isPublic(setting: name) else {
                return nil
            }
            let row: Resource = resource(name, exchange)
            return exchange.rights.may(.get, row, in: exchange.view) ? row : nil
        }
        // Numbered by their places: their order is that of their names, whichever number a record has.
        let page = CollectionPage(rows.indices.map { UInt64($0) }, query) { place in
            Reading.comparable(rows[Int(place)], query, exchange)
        }
        return .document(
            status: 200,
            CollectionDocument.make(
                page,
                of: active,
                query: query,
                items: items,
                path: exchange.links.collection(setting),
                renderer: exchange.renderer,
                embed: { (name: "links", value: links(Renderer.id(of: $0), exchange)) }
            )
        )
    }

    /// Both types share the addresses of the one that can be written.
    private static func links(_ name: String, _ exchange: Exchange) -> JSONValue {
        ["self": .string(exchange.links.item(setting, name))]
    }

    private static func isVisible(_ name: String, _ exchange: Exchange) -> Bool {
        exchange.rights.may(.get, resource(name, exchange), in: exchange.view)
    }

    private static func document(_ name: String, _ exchange: Exchange) throws(Problem) -> JSONValue {
        guard SettingCatalogue.isListed(name), isVisible(name, exchange),
            stored(name, exchange.view) != nil || SettingCatalogue.definition(name) != nil
        else { throw .notFound("There is no setting \(name).") }
        return .object(render(name, exchange))
    }

    private static func render(_ name: String, _ exchange: Exchange) -> JSONObject {
        var document: JSONObject = exchange.renderer.document(resource(name, exchange))
        document["links"] = links(name, exchange)
        return document
    }

    /// What this request stored: also when somebody has changed or deleted it since, for it was made.
    private static func written(_ name: String, _ value: String, _ exchange: Exchange) -> JSONObject {
        var document: JSONObject = render(name, exchange)
        let isSecret: Bool = SettingCatalogue.definition(name)?.isSecret == true
        for field in ["value", "activeValue"] where document[field] != nil {
            document[field] = .string(isSecret ? "" : value)
        }
        document["source"] = "Database"
        document["inDb"] = true
        return document
    }

    private static func stored(_ name: String, _ view: StoreView) -> Record? {
        view.holder(Array("setting/\(name)".utf8)).flatMap { view.get($0) }
    }

    private static func resource(_ name: String, _ exchange: Exchange) -> Resource {
        let record: Record? = stored(name, exchange.view)
        let kept: String? = record.flatMap { try? SettingRecord(document: $0.document) }?.value
        let definition: SettingDefinition? = SettingCatalogue.definition(name)
        let value: String? = definition?.isSecret == true ? "" : kept ?? definition?.defaultValue
        return Resource(
            definition: active,
            number: record?.key.number ?? 0,
            values: [
                "id": .string(name), "name": .string(name), "value": JSONValue(value), "activeValue": JSONValue(value),
                "source": record == nil ? "Default" : "Database", "inDb": .bool(record != nil),
                "isPublic": .bool(exchange.policy.isPublic(setting: name)),
            ],
            stored: [:],
            record: record
                ?? Record(key: RecordKey(.setting, 0), revision: 0, created: 0, scope: 0, time: 0, document: [])
        )
    }

    private static func store(
        _ name: String,
        _ value: String,
        _ verb: Verb,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) {
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let decision: Decision = try Authorisation.require(verb, resource(name, current), current)
            let existing: Record? = stored(name, current.view)
            var change: PlannedChange
            var fields: JSONObject = [
                "name": .string(name), "kind": "setting", "state": "active", "created": .int(current.time),
                "removed": nil,
            ]
            if let existing {
                guard let record = try? SettingRecord(document: existing.document) else { throw .fault }
                if record.value == value { return nil }
                fields = record.fields
                change = PlannedChange(subject: .existing(existing.key), verb: "update", type: "setting")
                change.preconditions = [.revision(existing.key, existing.revision)]
            } else {
                change = PlannedChange(subject: .created(.setting, index: 0), verb: "create", type: "setting")
                change.created = 1
            }
            fields["value"] = .string(value)
            change.decision = decision.description
            change.request = ["name": .string(name), "value": audited(name, value)]
            change.writes = [
                RecordWriting.put(
                    .setting,
                    existing.map { .known($0.key.number) } ?? .created(0),
                    fields,
                    scope: .known(0)
                )
            ]
            touchAccessControl(name, &change)
            return change
        }
    }

    /// Whether its value does not belong where changes are told.
    static func isSecret(_ name: String) -> Bool {
        Masking.isTelling(name) || SettingCatalogue.definition(name)?.isSecret == true
            || name == InterceptorConfig.setting
    }

    /// The value as the audit log keeps it: the keys of interceptors stay out.
    private static func audited(_ name: String, _ value: String) -> JSONValue {
        if isSecret(name), name != InterceptorConfig.setting { return "***" }
        guard name == InterceptorConfig.setting, let object = (try? JSONReader.parse(Array(value.utf8)))?.object else {
            return .string(value)
        }
        return .string(String(decoding: JSONWriter.bytes(.object(SecretMask.hidden(object))), as: UTF8.self))
    }

    /// Back to the default.
    private static func revert(
        _ name: String,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        _ = try document(name, exchange)
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let decision: Decision = try Authorisation.require(.delete, resource(name, current), current)
            guard let existing: Record = stored(name, current.view) else { return nil }
            var change = PlannedChange(subject: .existing(existing.key), verb: "delete", type: "setting")
            change.preconditions = [.revision(existing.key, existing.revision)]
            change.writes = [.delete(.setting, .known(existing.key.number))]
            change.decision = decision.description
            touchAccessControl(name, &change)
            return change
        }
        return .document(status: 200, .object(render(name, exchange)))
    }

    /// Whoever got in without a key must not finish what it began once keys are asked for.
    private static func touchAccessControl(_ name: String, _ change: inout PlannedChange) {
        guard name == ActiveSettings.accessControl || name == InterceptorConfig.setting else { return }
        change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.setting(name))))
    }
}
