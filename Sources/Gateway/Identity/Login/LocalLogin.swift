import Limits
import Model
import RBAC
import Store
import StoreFormat
import Synchronization

/// Logging in with a login and a password that this cluster keeps.
enum LocalLogin {
    static let provider: String = "localAuthConfig"

    /// The same for a login that nobody has and for a wrong password.
    static let wrong = Problem(status: 401, code: "Unauthorized", message: "The login or the password is wrong.")

    /// - Parameter code: `<login>:<password>`, split at the first colon.
    static func vouch(_ code: String, _ exchange: Exchange, _ gateway: Gateway) async throws(Problem) -> Vouched {
        guard let colon: String.Index = code.firstIndex(of: ":"), colon > code.startIndex else {
            throw .forbidden("The code of a local login is <login>:<password>.")
        }
        let login = String(code[..<colon])
        let password = String(code[code.index(after: colon)...])
        let address: String = exchange.client.peer
        let found: Found? = try await check(login, password, from: address, exchange, gateway)
        guard let found, let account: AccountRecord = Identify.account(found.account, exchange.view), account.isActive
        else { throw wrong }
        try AccessMode.require(
            ActiveSettings.value(AuthSettings.localMode, exchange.view) ?? "unrestricted",
            found.account,
            account,
            [],
            exchange
        )
        var vouched = Vouched(account: found.account, login: login, credential: (found.key, found.revision))
        if gateway.passwords.isOutdated(found.hash) {
            vouched.renewedHash = try await gateway.passwords.hash(password, from: address)
        }
        return vouched
    }

    struct Found: Sendable {
        var key: RecordKey
        var revision: Revision
        var account: UInt64
        var hash: String
        var isActive: Bool
    }

    /// The login that people of that name have; nil for none.
    static func find(_ login: String, _ view: StoreView) -> Found? {
        guard let holder: RecordKey = view.holder(CredentialRecord.loginKey(login)),
            let record: Record = view.get(holder),
            let credential = try? CredentialRecord(document: record.document),
            let account: UInt64 = credential.accountID
        else { return nil }
        return Found(
            key: holder,
            revision: record.revision,
            account: account,
            hash: credential.secretHash,
            isActive: credential.isActive
        )
    }

    /// What the login and the password belong to; nil when they are wrong, which takes as long as when they are right.
    ///
    /// - Throws: 429 for one that comes too soon after others that failed, or while too many wait.
    static func check(
        _ login: String,
        _ password: String,
        from address: String,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Found? {
        let wait: Int64 = gateway.guesses.withLock { $0.wait(login, from: address, at: gateway.steady()) }
        guard wait == 0 else { throw .tooMany("Too many logins have failed lately; wait before the next.", wait) }
        let found: Found? = find(login, exchange.view)
        // No password that is longer was ever taken.
        let shortened: String = password.utf8.count <= Limits.passwordBytes ? password : ""
        let isRight: Bool = try await gateway.passwords.matches(shortened, found?.hash, from: address)
        guard let found, isRight, found.isActive else {
            gateway.guesses.withLock { $0.failed(login, from: address, at: gateway.steady()) }
            return nil
        }
        gateway.guesses.withLock { $0.succeeded(login, from: address, at: gateway.steady()) }
        return found
    }
}

/// Who of those that a provider knows may log in.
enum AccessMode {
    /// - Throws: 403 `AuthError`.
    static func require(
        _ mode: String,
        _ number: UInt64,
        _ account: AccountRecord,
        _ identities: [String],
        _ exchange: Exchange
    ) throws(Problem) {
        // Whoever administers must be able to change the mode again.
        if mode == "unrestricted" || account.kind == "admin" { return }
        let names: Set<String> = Set(IdentityName.all(of: number, account).map(\.text) + identities)
        let allowed: [IdentityName] = AuthSettings.allowedIdentities(exchange.view).compactMap { IdentityName($0) }
        if allowed.contains(where: { names.contains($0.text) || ($0.accountNumber == number) }) { return }
        if mode == "restricted",
            !Subjects.make(account, number, nil, nil, identities: identities, in: exchange.view).memberships.isEmpty
        {
            return
        }
        throw Problem(
            status: 403,
            code: "AuthError",
            message: "You are known, but not among those who may log in here."
        )
    }
}
