package import StoreFormat

/// All resource types of this server, and how they are looked up.
///
/// Built once; every lookup is one hash.
package enum Schemas {
    /// Alphabetical by name.
    package static let all: [ResourceDefinition] =
        (framework + accessParts + launchParts + instanceInputs + unbuilt + serviceRestart + login + [
            account, project, projectMember, projectTemplate, identity, setProjectMembersInput, credential, apiKey,
            clientCertificate,
            password, changeSecretInput, registrationToken, register, hostCertificate, setting, activeSetting, auditLog,
            roleTemplate, accessRole, accessRoleBinding, accessReview, host, stack, service, setServiceLinksInput,
            launchConfig, instanceHealthCheck, instance, container, volume, clusterMembership,
            userPreference, haConfig,
        ]).sorted { $0.name < $1.name }

    private static let byName: [String: ResourceDefinition] = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0) }
    )

    /// Lower-case singular and plural.
    private static let byWord: [String: ResourceDefinition] = {
        var words: [String: ResourceDefinition] = [:]
        for definition in all {
            words[definition.plural.lowercased()] = definition
            words[definition.name.lowercased()] = definition
        }
        return words
    }()

    private static let byRecord: [RecordType: ResourceDefinition] = {
        var types: [RecordType: ResourceDefinition] = [:]
        for definition in all {
            guard let table: Table = definition.table else { continue }
            types[RecordType(table: table, kind: definition.kind)] = definition
        }
        // Both stand on the table of settings; documents are of the subtype.
        types[RecordType(table: .setting, kind: nil)] = activeSetting
        return types
    }()

    private struct RecordType: Hashable {
        var table: Table
        var kind: String?
    }

    private static let byBase: [String: [ResourceDefinition]] = Dictionary(
        grouping: all.filter { $0.base != nil },
        by: { $0.base ?? "" }
    )

    /// The type with exactly this name.
    package static func definition(_ name: String) -> ResourceDefinition? { byName[name] }

    /// The type that a path segment names: singular or plural, any case.
    package static func find(_ word: String) -> ResourceDefinition? { byName[word] ?? byWord[word.lowercased()] }

    /// The most specific type of a record; the table's own type when the kind has none of its own.
    package static func definition(for table: Table, kind: String) -> ResourceDefinition? {
        byRecord[RecordType(table: table, kind: kind)] ?? byRecord[RecordType(table: table, kind: nil)]
    }

    /// The direct subtypes, alphabetically: what `createTypes` of a collection lists.
    package static func subtypes(of name: String) -> [ResourceDefinition] { byBase[name] ?? [] }

    /// Whether `type` is `other` or below it.
    package static func isType(_ type: String, kindOf other: String) -> Bool {
        var current: String? = type
        while let name: String = current {
            if name == other { return true }
            current = byName[name]?.base
        }
        return false
    }

    /// The letters of the ids of a type, also of one that is only ever referred to.
    package static func idLetters(of type: String) -> String {
        guard let definition: ResourceDefinition = byName[type] else { return IDLetters.letters(of: type) }
        return definition.idLetters ?? IDLetters.letters(of: definition.baseType)
    }
}
