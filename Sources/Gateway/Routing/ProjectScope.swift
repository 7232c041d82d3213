import HTTP
import Model
import RBAC
import Store
import StoreFormat

/// The stage that finds the environment that a request acts in, and whether the caller may be there at all.
///
/// Named by the path, the header `X-API-Project-Id`, the query `projectId`, the user of a Basic login token, or the header
/// `X-API-Client-Access-Key`, in this order; an environment's own key acts in its environment without naming it. Unknown,
/// inactive and foreign environments are refused alike (contract A13).
enum ProjectScope {
    /// The environment that the request names, as it stands there.
    static func name(in exchange: Exchange) -> String? {
        exchange.path.project ?? exchange.request.headers["x-api-project-id"].flatMap { $0.isEmpty ? nil : $0 }
            ?? exchange.query["projectId"]
            ?? exchange.request.headers["authorization"].flatMap { BearerCredentials(header: $0)?.project }
            ?? clientKey(exchange)
    }

    static func stage(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer? {
        guard let named: String = name(in: exchange) else {
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

    /// The environment of the key with the named access key, as a text that names none if there is no such key.
    ///
    /// It says where, not who: the caller must be allowed there by its own credentials.
    private static func clientKey(_ exchange: Exchange) -> String? {
        guard let name: String = exchange.request.headers["x-api-client-access-key"], !name.isEmpty else { return nil }
        guard let holder: RecordKey = exchange.view.holder(Array("credential/\(name)".utf8)),
            let record: Record = exchange.view.get(holder),
            let credential = try? CredentialRecord(document: record.document), credential.isActive,
            credential.kind == "apiKey", let owner: UInt64 = credential.accountID
        else { return "of that access key" }
        return ResourceID(number: owner).rendered("a")
    }
}
