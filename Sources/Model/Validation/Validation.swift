import Bytes
package import JSON
import Limits

/// What validation must be told about the world.
package struct ValidationContext {
    /// Milliseconds since 1970: the value of a date given as `now`.
    package var now: Int64
    /// Whether the caller's role lets it set the (top-level) field.
    package var permits: (_ field: String) -> Bool
    /// Whether the resource of the type exists and the caller can see it.
    package var exists: (_ type: String, _ id: ResourceID) -> Bool

    package init(
        now: Int64,
        permits: @escaping (_ field: String) -> Bool = { _ in true },
        exists: @escaping (_ type: String, _ id: ResourceID) -> Bool
    ) {
        self.now = now
        self.permits = permits
        self.exists = exists
    }
}

/// What a PUT comes down to.
package struct ValidatedUpdate: Hashable, Sendable {
    /// Only the fields whose value differs from the stored one.
    package var changed: JSONObject
    /// Whether one of them starts the type's `update` process.
    package var schedulesUpdate: Bool
}

/// Turns bodies of requests into members of records: contract A7.
///
/// Shape of results: references are plain numbers, dates milliseconds, ports canonical. Fields that are unknown or not the
/// caller's to set are dropped without a word; what Drover knows but cannot do yet is refused.
package enum Validation {
    /// The members of a new record, with defaults.
    ///
    /// Also for the inputs of actions.
    package static func create(
        _ definition: ResourceDefinition,
        body: JSONObject,
        context: ValidationContext
    ) throws(ValidationProblem) -> JSONObject {
        try refuseUnsupported(definition, body)
        let values = ValueValidation(context: context)
        var result = JSONObject()
        for field in definition.fields {
            let mayBeSet: Bool = field.isCreatable && context.permits(field.name)
            if let value: JSONValue = try values.created(field, mayBeSet ? body[field.name] : nil, isSettable: mayBeSet)
            {
                result.append(field.name, value)
            }
        }
        return result
    }

    /// The changes that a body makes to a stored record; `stored` has the shape of ``create(_:body:context:)``'s result.
    package static func update(
        _ definition: ResourceDefinition,
        stored: JSONObject,
        body: JSONObject,
        context: ValidationContext
    ) throws(ValidationProblem) -> ValidatedUpdate {
        try refuseUnsupported(definition, body)
        let values = ValueValidation(context: context)
        var update = ValidatedUpdate(changed: [:], schedulesUpdate: false)
        for field in definition.updatableFields {
            guard let given: JSONValue = body[field.name], context.permits(field.name) else { continue }
            let value: JSONValue = try values.checked(field, given)
            guard value != (stored[field.name] ?? .null) else { continue }
            update.changed.append(field.name, value)
            if field.schedulesUpdate { update.schedulesUpdate = true }
        }
        return update
    }

    private static func refuseUnsupported(
        _ definition: ResourceDefinition,
        _ body: JSONObject
    ) throws(ValidationProblem) {
        for member in definition.unsupported {
            guard let value: JSONValue = body[member.name], !isEmpty(value) else { continue }
            throw ValidationProblem(.notSupported, member.name, "\(member.name): \(member.reason)")
        }
    }

    /// Clients send the empty forms of everything they know: those ask for nothing.
    private static func isEmpty(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): true
        // Below zero is "no limit" and "never".
        case .int(let number): number <= 0
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let object): object.isEmpty
        default: false
        }
    }
}
