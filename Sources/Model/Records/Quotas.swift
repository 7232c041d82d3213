package import JSON

/// What an environment may have at most.
///
/// Shape: a map from names of ``Name`` to whole numbers; ``unlimited`` lifts a default, and what is not named has the default.
package struct Quotas: Hashable, Sendable {
    package enum Name: String, CaseIterable, Hashable, Sendable {
        case stacks, services, containers, volumes
        /// All of those together.
        case objects
        /// Of their documents.
        case bytes
        /// Subscriptions that are open on one node.
        case watches
    }

    package static let unlimited: Int64 = -1

    private var limits: [Name: Int64]

    package init(_ limits: [Name: Int64] = [:]) { self.limits = limits }

    /// Of the member `quotas` of an environment; what cannot be read limits nothing.
    package init(_ stored: JSONValue?) {
        limits = [:]
        for (name, value) in stored?.object ?? [:] {
            if let name = Name(rawValue: name), let limit: Int64 = value.int { limits[name] = limit }
        }
    }

    /// nil for no limit.
    package subscript(name: Name) -> Int64? { limits[name].flatMap { $0 < 0 ? nil : $0 } }

    package var isEmpty: Bool { limits.values.allSatisfy { $0 < 0 } }

    /// These, and those of `defaults` that are not named here.
    package func over(_ defaults: Quotas) -> Quotas { Quotas(defaults.limits.merging(limits) { $1 }) }

    /// What is wrong with a value for the member, in words; nil when nothing is.
    package static func fault(of value: JSONValue) -> String? {
        guard let members: JSONObject = value.object else {
            return value.isNull ? nil : "A map of names to numbers is wanted."
        }
        for (name, value) in members {
            guard Name(rawValue: name) != nil else {
                return "There is no quota \(name): \(Name.allCases.map(\.rawValue).joined(separator: ", ")) there are."
            }
            guard value.isNull || (value.int ?? unlimited - 1) >= unlimited else {
                return "\(name) must be a whole number; \(unlimited) is for no limit."
            }
        }
        return nil
    }

    /// The setting with the default of a quota.
    package static func setting(_ name: Name) -> String { "project.quota.\(name.rawValue)" }
}
