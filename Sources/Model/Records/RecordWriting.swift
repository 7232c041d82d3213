import Bytes
package import JSON
package import StoreFormat

/// How a document becomes a write: the one place that knows what a record of each table is found by.
///
/// Index terms and unique keys are part of the stored bytes' contract, like the tables themselves.
package enum RecordWriting {
    /// A write that creates or replaces the record `number` of `table`.
    ///
    /// Shape: `references` gives the top-level members whose value is a number that this very transaction allocates;
    /// they override what `fields` says. Null members are kept: an absent member and a null one mean the same to readers.
    package static func put(
        _ table: Table,
        _ number: NumberReference,
        _ fields: JSONObject,
        references: [String: NumberReference] = [:],
        scope: NumberReference
    ) -> Write {
        var terms: [Template] = []
        var uniqueKeys: [Template] = []
        let isRemoved: Bool = fields["removed"]?.int != nil
        for name in indexedReferences[table] ?? [] {
            if let value: NumberReference = reference(name, fields, references) {
                terms.append(term(name, value))
            }
        }
        for name in indexedTexts[table] ?? [] {
            if let text: String = fields[name]?.string { terms.append(Template("\(name)=\(text)")) }
        }
        if table == .instance, !isRemoved, reference("hostId", fields, references) == nil,
            let account: NumberReference = reference("accountId", fields, references)
        {
            terms.append(term("unplaced", account))
        }
        if table == .accessRoleBinding, !isRemoved {
            for subject in AccessRoleBindingRecord(fields: fields).subjectTerms {
                terms.append(Template(bytes: subject))
            }
        }
        // A removed thing no longer holds its name.
        if !isRemoved, let key: Template = uniqueKey(table, fields, references) { uniqueKeys.append(key) }
        return .put(
            RecordWrite(
                table: table,
                number: number,
                scope: scope,
                document: document(fields, references),
                terms: terms,
                uniqueKeys: uniqueKeys
            )
        )
    }

    /// The index term under which records that refer to `number` by `member` are found.
    package static func term(_ member: String, _ number: UInt64) -> [UInt8] {
        Array("\(member)=\(number)".utf8)
    }

    /// Members that hold references and are indexed, as `member=number`.
    package static let indexedReferences: [Table: [String]] = [
        .account: [],
        .credential: ["accountId", "hostId"],
        .projectMember: ["projectId", "memberId"],
        .loginToken: ["accountId"],
        .host: ["accountId"],
        .stack: ["accountId"],
        .service: ["accountId", "stackId"],
        .instance: ["accountId", "stackId", "serviceId", "hostId"],
        .volume: ["accountId", "stackId", "hostId"],
        .operation: ["accountId"],
        .userPreference: ["accountId"],
        .accessRole: ["projectId", "roleTemplateId"],
        .accessRoleBinding: ["projectId", "accessRoleId"],
    ]

    /// Members that hold text and are indexed, as `member=text`.
    package static let indexedTexts: [Table: [String]] = [
        .account: ["kind", "uuid"],
        .credential: ["kind"],
        .projectMember: ["identity"],
        .host: ["uuid"],
        .instance: ["uuid"],
    ]

    private static func uniqueKey(
        _ table: Table,
        _ fields: JSONObject,
        _ references: [String: NumberReference]
    ) -> Template? {
        func named(_ kind: String, within member: String, _ value: String) -> Template? {
            guard let parent: NumberReference = reference(member, fields, references) else { return nil }
            return template(["\(kind)/", .number(parent), "/\(value.lowercased())"])
        }
        let name: String = fields["name"]?.string ?? ""
        switch table {
        case .stack: return named("stack", within: "accountId", name)
        case .service: return named("service", within: "stackId", name)
        case .host: return fields["uuid"]?.string.flatMap { named("host", within: "accountId", $0) }
        case .volume: return named("volume", within: "accountId", name)
        case .userPreference: return name.isEmpty ? nil : named("userPreference", within: "accountId", name)
        case .setting: return Template("setting/\(name)")
        case .node: return Template("node/\(name)")
        case .joinToken: return fields["token"]?.string.map { Template("joinToken/\($0)") }
        case .account:
            guard let type: String = fields["externalIdType"]?.string, let id: String = fields["externalId"]?.string,
                !type.isEmpty, !id.isEmpty
            else { return nil }
            return Template(bytes: AccountRecord.identityKey("\(type):\(id)"))
        case .credential where fields["kind"]?.string == CredentialRecord.password:
            return fields["publicValue"]?.string.map { Template(bytes: CredentialRecord.loginKey($0)) }
        case .credential: return fields["publicValue"]?.string.map { Template("credential/\($0)") }
        case .loginToken: return fields["digest"]?.string.map { Template(bytes: LoginTokenRecord.key(ofDigest: $0)) }
        case .projectMember:
            guard let project: NumberReference = reference("projectId", fields, references) else { return nil }
            if let identity: String = fields["identity"]?.string {
                return template(["projectMember/", .number(project), .text("/\(identity)")])
            }
            guard let member: NumberReference = reference("memberId", fields, references) else { return nil }
            return template(["projectMember/", .number(project), "/", .number(member)])
        default: return nil
        }
    }

    private static func reference(
        _ member: String,
        _ fields: JSONObject,
        _ references: [String: NumberReference]
    ) -> NumberReference? {
        references[member] ?? fields[member]?.int.flatMap { UInt64(exactly: $0) }.map { .known($0) }
    }

    private static func term(_ member: String, _ number: NumberReference) -> Template {
        template([.text("\(member)="), .number(number)])
    }

    /// The document with a hole for each reference to a number not yet known.
    private static func document(_ fields: JSONObject, _ references: [String: NumberReference]) -> Template {
        var members: JSONObject = fields
        for (name, _) in references where members[name] == nil { members[name] = .null }
        var pieces: [Piece] = [.text("{")]
        var isFirst = true
        for (name, value) in members {
            var head: [UInt8] = isFirst ? [] : [UInt8(ascii: ",")]
            isFirst = false
            JSONWriter.appendString(name, to: &head)
            head.append(UInt8(ascii: ":"))
            pieces.append(.bytes(head))
            pieces.append(references[name].map { .number($0) } ?? .bytes(JSONWriter.bytes(value)))
        }
        pieces.append(.text("}"))
        return template(pieces)
    }

    private enum Piece: ExpressibleByStringInterpolation {
        case text(String)
        case bytes([UInt8])
        case number(NumberReference)

        init(stringLiteral value: String) { self = .text(value) }
    }

    private static func template(_ pieces: [Piece]) -> Template {
        var result = Template(bytes: [])
        for piece in pieces {
            switch piece {
            case .text(let text): result.bytes.append(contentsOf: text.utf8)
            case .bytes(let bytes): result.bytes.append(contentsOf: bytes)
            case .number(.known(let number)): result.bytes.append(contentsOf: String(number).utf8)
            case .number(.created(let created)):
                result.holes.append(Template.Hole(offset: result.bytes.count, created: created))
            }
        }
        return result
    }
}
