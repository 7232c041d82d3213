import JSON
import Model
import RBAC
import Store
import StoreFormat

/// The built-in roles as role templates: there from the start, never changed, numbered below everything that is stored.
///
/// Accounts and environments of the founding have these numbers, so no template made later can.
enum BuiltInTemplates {
    static func role(_ number: UInt64) -> Role? {
        guard number >= 1, number <= UInt64(StaticRoles.memberships.count) else { return nil }
        return StaticRoles.memberships[Int(number) - 1]
    }

    /// As if it had been stored.
    static func record(_ number: UInt64) -> Record? {
        role(number).map { role in
            Record(
                key: RecordKey(.roleTemplate, number),
                revision: 0,
                created: 0,
                scope: 0,
                time: 0,
                document: JSONWriter.bytes(.object(fields(role)))
            )
        }
    }

    static var numbers: [UInt64] { Array(1...UInt64(StaticRoles.memberships.count)) }

    private static func fields(_ role: Role) -> JSONObject {
        [
            "name": .string(role.name), "kind": "roleTemplate", "state": "active", "uuid": .string(role.name),
            "created": 0, "removed": nil, "description": "built in", "builtin": true, "scope": "project",
            "replicate": "local", "inherits": [], "rules": .array(role.rules.map { .object(document($0)) }),
        ]
    }

    /// A rule as an `accessRule`, as far as the language of those goes; the rest is in words.
    private static func document(_ rule: Rule) -> JSONObject {
        var fields = JSONObject()
        for (name, letters) in rule.fields.sorted(by: { $0.key < $1.key }) {
            fields[name] = .string(letters.description)
        }
        return [
            "type": "accessRule", "effect": .string(rule.effect.rawValue),
            "verbs": JSONValue(rule.verbs.map(\.description)), "resourceTypes": JSONValue(rule.types), "ids": nil,
            "selector": rule.conditions.isEmpty
                ? nil : .string(rule.conditions.map(\.description).joined(separator: ",")),
            "fields": fields.isEmpty ? nil : .object(fields), "constraints": nil,
        ]
    }
}
