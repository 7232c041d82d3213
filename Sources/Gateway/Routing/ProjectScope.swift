import HTTP
import Model
import RBAC
import Store
import StoreFormat

/// The stage that finds the environment that a request acts in, and whether the caller may be there at all.
///
/// Named by the path, the header `X-API-Project-Id` or the query `projectId`, in this order; else by the environment's key
/// whose public half stands in `X-API-Client-Access-Key`. An environment's own key acts in its environment without naming
/// it. Unknown, inactive and foreign environments are refused alike (contract A13).
enum ProjectScope {
    static func stage(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer? {
        let named: String? =
            exchange.path.project ?? exchange.request.headers["x-api-project-id"].flatMap { $0.isEmpty ? nil : $0 }
            ?? exchange.query["projectId"] ?? ofClientKey(exchange)
        guard let named else {
            // Hosts and registration tokens belong to an environment, too, but what they may do is not in it.
            if exchange.caller.subject.kind == .project, let account = exchange.caller.account, account.isProject {
                exchange.project = account
                exchange.projectNumber = exchange.caller.accountNumber
            }
            return nil
        }
        let refused = Problem.forbidden(
            "The environment \(named) does not exist, is not active, or is not yours to use."
        )
        guard let id = ResourceID(named), id.cluster == nil,
            let project: AccountRecord = exchange.policy.account(id.number, exchange.view), project.isProject,
            project.isActive,
            exchange.caller.rights(in: id.number).mayEnterProject
        else { throw refused }
        exchange.project = project
        exchange.projectNumber = id.number
        return nil
    }

    /// The environment whose active key a server that asks on behalf of a client names.
    private static func ofClientKey(_ exchange: Exchange) -> String? {
        guard let name: String = exchange.request.headers["x-api-client-access-key"],
            let holder: RecordKey = exchange.view.holder(Array("credential/\(name)".utf8)),
            let record: Record = exchange.view.get(holder),
            let credential = try? CredentialRecord(document: record.document), credential.isActive,
            credential.kind == "apiKey", let number: UInt64 = credential.accountID,
            exchange.policy.account(number, exchange.view)?.isProject == true
        else { return nil }
        return ResourceID(number: number).rendered("a")
    }
}
