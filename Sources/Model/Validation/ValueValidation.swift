import Bytes
import JSON
import Limits

/// Checks and converts single values.
struct ValueValidation {
    var context: ValidationContext

    /// The value of a field of a new object; nil when it stays absent.
    func created(
        _ field: FieldDefinition,
        _ given: JSONValue?,
        isSettable: Bool
    ) throws(ValidationProblem) -> JSONValue? {
        guard let given else {
            if let value: JSONValue = field.defaultValue, field.source == .desired { return value }
            if field.isRequired, isSettable {
                throw ValidationProblem(.missingRequired, field.name, "\(field.name) is required")
            }
            return nil
        }
        let value: JSONValue = try checked(field, given)
        if field.isRequired, value.isNull || value == .array([]) {
            throw ValidationProblem(.missingRequired, field.name, "\(field.name) must not be empty")
        }
        return value
    }

    /// A value that was given, null included, in its stored form.
    func checked(_ field: FieldDefinition, _ given: JSONValue) throws(ValidationProblem) -> JSONValue {
        let value: JSONValue = try converted(given, field.type, field)
        guard value.isNull else { return value }
        guard !field.isNullable else { return .null }
        guard let standIn: JSONValue = field.defaultValue else {
            throw ValidationProblem(.notNullable, field.name, "\(field.name) must not be null")
        }
        return standIn
    }

    private func converted(
        _ given: JSONValue,
        _ type: FieldType,
        _ field: FieldDefinition
    ) throws(ValidationProblem) -> JSONValue {
        if given.isNull { return .null }
        switch type {
        case .string, .password, .blob: return try text(given, field)
        case .enum:
            // Forms send the empty text for no choice.
            if field.isNullable, given == .string("") { return .null }
            return try text(given, field)
        case .int: return try integer(given, field)
        case .float:
            if let number: Double = given.double { return .double(number) }
            if isBlank(given) { return .null }
            guard let text: String = given.string, let number = Double(text), number.isFinite else {
                throw wrongKind(field, "a number")
            }
            return .double(number)
        case .boolean: return try boolean(given, field)
        case .date: return try date(given, field)
        case .json:
            try checkSize(given, field)
            return given
        case .nothing: return .null
        case .reference(let target): return try reference(given, to: target, field)
        case .array(let element):
            let elements: [JSONValue]
            switch given {
            case .array(let given): elements = given
            // A client that has one thing may send it bare.
            case .object: throw wrongKind(field, "an array")
            default: elements = [given]
            }
            var result: [JSONValue] = []
            result.reserveCapacity(elements.count)
            for item in elements {
                let value: JSONValue = try converted(item, element, field)
                if value.isNull {
                    throw ValidationProblem(.notNullable, field.name, "\(field.name) must not contain null")
                }
                result.append(value)
            }
            return .array(result)
        case .map(let element):
            guard let object: JSONObject = given.object else { throw wrongKind(field, "an object") }
            var result = JSONObject()
            for (key, item) in object { result.append(key, try converted(item, element, field)) }
            if element == .json { try checkSize(.object(result), field) }
            return .object(result)
        case .embedded(let schema): return try embedded(given, schema, field)
        }
    }

    private func wrongKind(_ field: FieldDefinition, _ wanted: String) -> ValidationProblem {
        ValidationProblem(.invalidFormat, field.name, "\(field.name) must be \(wanted)")
    }

    /// nil for a fraction and for what 64 bits cannot hold. (`Int64(exactly:)` would want the mathematics library.)
    private func whole(_ number: Double) -> Int64? {
        guard number >= -0x1p63, number < 0x1p63 else { return nil }
        let integer = Int64(number)
        return Double(integer) == number ? integer : nil
    }

    private func isBlank(_ value: JSONValue) -> Bool {
        value.string?.allSatisfy(\.isWhitespace) ?? false
    }

    private func text(_ given: JSONValue, _ field: FieldDefinition) throws(ValidationProblem) -> JSONValue {
        let text: String
        switch given {
        case .string(let given): text = given
        case .bool(let flag): text = flag ? "true" : "false"
        case .int(let number): text = String(number)
        case .double(let number): text = number.description
        default: throw wrongKind(field, "a string")
        }
        return .string(try TextRules.checked(text, field))
    }

    private func integer(_ given: JSONValue, _ field: FieldDefinition) throws(ValidationProblem) -> JSONValue {
        let number: Int64
        switch given {
        case .int(let given): number = given
        case .double(let given):
            guard let exact: Int64 = whole(given) else { throw wrongKind(field, "a whole number") }
            number = exact
        case .string(let text):
            if isBlank(given) { return .null }
            guard let parsed = Int64(text) else { throw wrongKind(field, "a whole number") }
            number = parsed
        default: throw wrongKind(field, "a whole number")
        }
        if let min: Int64 = field.min, number < min {
            throw ValidationProblem(.minLimitExceeded, field.name, "\(field.name) must be at least \(min)")
        }
        if let max: Int64 = field.max, number > max {
            throw ValidationProblem(.maxLimitExceeded, field.name, "\(field.name) must be at most \(max)")
        }
        return .int(number)
    }

    private func boolean(_ given: JSONValue, _ field: FieldDefinition) throws(ValidationProblem) -> JSONValue {
        switch given {
        case .bool: return given
        case .int(0): return .bool(false)
        case .int(1): return .bool(true)
        case .string(let text):
            switch text.lowercased() {
            case "true", "1": return .bool(true)
            case "false", "0": return .bool(false)
            case "": return .null
            default: throw wrongKind(field, "true or false")
            }
        default: throw wrongKind(field, "true or false")
        }
    }

    private func date(_ given: JSONValue, _ field: FieldDefinition) throws(ValidationProblem) -> JSONValue {
        if isBlank(given) { return .null }
        switch given {
        case .int: return given
        case .double(let number):
            if let exact: Int64 = whole(number) { return .int(exact) }
        case .string("now"): return .int(context.now)
        case .string(let text):
            if let time: Int64 = StoredDate.milliseconds(text) { return .int(time) }
        default: break
        }
        throw ValidationProblem(
            .invalidDateFormat,
            field.name,
            "\(field.name) must look like 2017-04-22T08:00:00Z, or be milliseconds since 1970, or now"
        )
    }

    private func reference(
        _ given: JSONValue,
        to type: String,
        _ field: FieldDefinition
    ) throws(ValidationProblem) -> JSONValue {
        guard let text: String = given.string, let id = ResourceID(text), id.cluster == nil,
            id.number <= UInt64(Int64.max)
        else {
            throw ValidationProblem(
                .invalidReference,
                field.name,
                "\(field.name) must be the id of a \(type), such as 1\(Schemas.idLetters(of: type))7"
            )
        }
        guard context.exists(type, id) else {
            throw ValidationProblem(.invalidReference, field.name, "there is no \(type) \(text)")
        }
        return JSONValue(id.number)
    }

    private func embedded(
        _ given: JSONValue,
        _ schema: String,
        _ field: FieldDefinition
    ) throws(ValidationProblem) -> JSONValue {
        guard let object: JSONObject = given.object else { throw wrongKind(field, "an object") }
        guard let definition: ResourceDefinition = Schemas.definition(schema) else { return given }
        // Roles narrow fields of resources, not of the objects inside them.
        var inner: ValidationContext = context
        inner.permits = { _ in true }
        var result: JSONObject = try Validation.create(definition, body: object, context: inner)
        if definition.keepsUnknownMembers {
            // The type is written anew into every document.
            for (key, value) in object where key != "type" && definition.field(key) == nil { result.append(key, value) }
        }
        return .object(result)
    }

    private func checkSize(_ value: JSONValue, _ field: FieldDefinition) throws(ValidationProblem) {
        guard JSONWriter.bytes(value).count > Limits.freeFormFieldBytes else { return }
        throw ValidationProblem(
            .maxLimitExceeded,
            field.name,
            "\(field.name) must be at most \(Limits.freeFormFieldBytes) bytes as JSON"
        )
    }
}
