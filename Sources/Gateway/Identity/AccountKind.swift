import JSON
import Model
import StoreFormat

/// What an account is decides what it may do: changing that is a change of rights.
enum AccountKind {
    /// - Throws: 422 for what would make an environment of a person, 405 for the last administrator's.
    static func change(
        to kind: String,
        _ resource: Resource,
        _ change: inout PlannedChange,
        _ exchange: Exchange
    ) throws(Problem) {
        guard resource.definition.name == "account" else { return }
        guard kind != "project", resource.stored["kind"]?.string != "project" else {
            throw .validation(.invalidOption, field: "kind", message: "People do not become environments.")
        }
        try GivenPower.requireKind(kind, exchange)
        if resource.stored["kind"]?.string == "admin" {
            change.preconditions.append(try LastAdministrator.kept(without: resource, exchange))
        }
        change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.account(resource.number))))
    }
}
