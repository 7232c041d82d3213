import JSON
import Model

/// Who may say what an environment may have, and what that can be.
enum QuotaSetting {
    /// - Throws: 403 for everybody but administrators; 422 for what is no quota.
    static func check(_ quotas: JSONValue, _ exchange: Exchange) throws(Problem) {
        guard exchange.rights.administersAccounts else { throw refusal }
        if let fault: String = Quotas.fault(of: quotas) {
            throw .validation(.invalidOption, field: "quotas", message: fault)
        }
    }

    private static let refusal = Problem.forbidden("The quotas of an environment are set by administrators.")
}
