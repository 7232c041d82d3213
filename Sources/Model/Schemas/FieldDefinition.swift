package import JSON

/// What may be done with a field, at most: roles can narrow this, never widen it.
package struct FieldFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Settable by POST.
    package static let create = FieldFlags(rawValue: 1)
    /// Settable by PUT.
    package static let update = FieldFlags(rawValue: 2)
    /// A create without it is refused; it is never null.
    package static let required = FieldFlags(rawValue: 4)
    package static let notNull = FieldFlags(rawValue: 8)
    /// No other live object of its scope may have the same value.
    package static let unique = FieldFlags(rawValue: 16)
    /// Shown in the answer to the POST that created it, and null ever after: secrets.
    package static let readOnCreateOnly = FieldFlags(rawValue: 32)
    /// Changing it starts the type's `update` process (contract A10).
    package static let schedulesUpdate = FieldFlags(rawValue: 64)
    /// Collections cannot be filtered or sorted by it.
    package static let unfiltered = FieldFlags(rawValue: 128)

    package static let createUpdate: FieldFlags = [.create, .update]
    package static let createReconcile: FieldFlags = [.create, .update, .schedulesUpdate]
}

/// Where the value of a field comes from.
package enum FieldSource: Hashable, Sendable {
    /// The record that users and controllers write.
    case desired
    /// The record that agents and health computation write.
    case observed
    /// Nowhere: worked out when the document is rendered.
    case computed
}

/// A rule about a text that the flags of a schema document cannot express.
package enum ValueRule: Hashable, Sendable {
    /// ``NameRules``: a DNS label.
    case dnsLabel
    /// ``PortSpec``; stored in its canonical form.
    case portSpec
    /// An image with the scheme that says where it comes from; stored as `docker:…` where it names none.
    case image
}

/// One field of a resource type.
package struct FieldDefinition: Hashable, Sendable {
    package var name: String
    package var type: FieldType
    package var flags: FieldFlags
    /// Given to a new object that does not say otherwise; nil for none.
    package var defaultValue: JSONValue?
    /// The allowed texts; for an array, of each element.
    package var options: [String]?
    package var min: Int64?
    package var max: Int64?
    /// In UTF-16 units; for an array, of each element.
    package var minLength: Int?
    package var maxLength: Int?
    /// A set such as `a-zA-Z0-9-`: every character must be in it.
    package var validChars: String?
    /// A value made of nothing but these is refused.
    package var invalidChars: String?
    package var rule: ValueRule?
    package var source: FieldSource
    package var description: String?

    package init(
        _ name: String,
        _ type: FieldType,
        _ flags: FieldFlags = [],
        default defaultValue: JSONValue? = nil,
        options: [String]? = nil,
        min: Int64? = nil,
        max: Int64? = nil,
        minLength: Int? = nil,
        maxLength: Int? = nil,
        validChars: String? = nil,
        invalidChars: String? = nil,
        rule: ValueRule? = nil,
        from source: FieldSource = .desired,
        about description: String? = nil
    ) {
        self.name = name
        self.type = type
        self.flags = flags
        self.defaultValue = defaultValue
        self.options = options
        self.min = min
        self.max = max
        self.minLength = minLength
        self.maxLength = maxLength
        self.validChars = validChars
        self.invalidChars = invalidChars
        self.rule = rule
        self.source = source
        self.description = description
    }

    package var isCreatable: Bool { flags.contains(.create) }
    package var isUpdatable: Bool { flags.contains(.update) }
    package var isRequired: Bool { flags.contains(.required) }
    package var isNullable: Bool { flags.isDisjoint(with: [.required, .notNull]) }
    package var isUnique: Bool { flags.contains(.unique) }
    package var isReadOnCreateOnly: Bool { flags.contains(.readOnCreateOnly) }
    package var schedulesUpdate: Bool { flags.contains(.schedulesUpdate) }
    package var isFilterable: Bool { type.isScalar && !flags.contains(.unfiltered) }
    /// Empty for a field that collections cannot be filtered by.
    package var filterModifiers: [String] { isFilterable ? type.filterModifiers(isNullable: isNullable) : [] }

    /// The same field where nobody can set it, as supertypes show it.
    package var readOnly: FieldDefinition {
        var copy: FieldDefinition = self
        copy.flags.subtract([.create, .update, .required, .schedulesUpdate])
        copy.defaultValue = nil
        return copy
    }
}
