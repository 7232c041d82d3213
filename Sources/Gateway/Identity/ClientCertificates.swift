import Bytes
import Certificates
import JSON
import Limits
import Model
import Store
import StoreFormat

/// Certificates of the cluster's authority that people and their programs show instead of a key.
///
/// Each is a credential, found by its serial number: it can be looked at, deactivated and removed like a key, and is good
/// only as long as its record is. The private half of its key is never here.
enum ClientCertificates {
    static let kind: String = "clientCertificate"

    /// Accounts that may have them: environments and hosts have credentials of their own.
    private static let kinds: Set<String> = ["admin", "user", "readAdmin", "service"]

    // MARK: Who shows one

    static func caller(_ person: CertifiedPerson, _ exchange: Exchange) -> Caller? {
        caller(person, exchange.view, exchange.policy, exchange.judgedAt, exchange.issuing)
    }

    /// The account that the certificate stands for; nil when it is revoked, over, or of an authority that was replaced.
    ///
    /// Looked at on each request: connections outlive what they began with.
    static func caller(
        _ person: CertifiedPerson,
        _ view: StoreView,
        _ policy: PolicySnapshot,
        _ time: Int64,
        _ issuing: (any CertificateIssuing)?
    ) -> Caller? {
        guard person.notAfter > time else { return nil }
        // Not what a header could be: nobody is found here by what is looked up there.
        let name = "\(kind)\n\(person.account)/\(person.serial)"
        if var known: Caller = policy.caller(name, at: time) {
            known.isRemembered = true
            return known
        }
        guard let holder: RecordKey = view.holder(Array("credential/\(person.serial)".utf8)),
            let record: Record = view.get(holder),
            let credential = try? CredentialRecord(document: record.document), credential.kind == kind,
            credential.isActive, credential.accountID == person.account, let expires: Int64 = credential.expires,
            expires > time, let authority: String = credential.authority,
            issuing?.believed(in: view).contains(authority) ?? false,
            let account: AccountRecord = Identify.account(person.account, view), account.isActive
        else { return nil }
        let caller = Caller(
            subject: Subjects.make(account, person.account, credential, holder.number, in: view, at: time),
            account: account,
            accountNumber: person.account,
            authType: kind,
            credentialNumber: holder.number
        )
        return policy.keep(caller, of: name, until: min(expires, person.notAfter))
    }

    // MARK: Making one

    /// A serial number: 16 bytes of which the first is neither 0 nor a sign, so that it has one spelling.
    static func serial(_ chance: inout Chance) -> String {
        var bytes: [UInt8] = chance.bytes(16)
        bytes[0] = bytes[0] & 0x3F | 0x40
        return Hex.encode(bytes)
    }

    /// Issues what is asked for, and makes a record of it.
    ///
    /// The certificate counts with the record only: of one whose record is not stored nobody ever hears.
    static func complete(
        _ fields: inout JSONObject,
        _ draft: Creating.Draft,
        _ exchange: Exchange
    ) throws(Problem) {
        let owner: UInt64 = try owner(fields, exchange)
        guard let request: [UInt8] = try HostCertificates.request(fields), let issuing = exchange.issuing else {
            throw .unavailable("This cluster has no authority that could issue certificates.")
        }
        let until: Int64 = try expires(fields["expires"]?.int, exchange.time)
        let person = CertifiedPerson(account: owner, serial: draft.publicValue ?? "", notAfter: until)
        let issued: PersonCertificate
        do throws(CertificateRefusal) {
            issued = try issuing.issuePersonCertificate(
                request: request,
                for: person,
                in: exchange.view,
                now: exchange.time
            )
        } catch {
            throw HostCertificates.problem(error)
        }
        fields["certificateRequest"] = nil
        fields["accountId"] = JSONValue(owner)
        fields["publicValue"] = .string(person.serial)
        fields["expires"] = .int(issued.notAfter)
        fields["certificate"] = .string(String(decoding: issued.certificate, as: UTF8.self))
        fields["authority"] = .string(issued.authority)
        fields["state"] = "active"
    }

    private static func owner(_ fields: JSONObject, _ exchange: Exchange) throws(Problem) -> UInt64 {
        let own: UInt64? = exchange.caller.accountNumber
        guard let owner: UInt64 = fields["accountId"]?.int.flatMap({ UInt64(exactly: $0) }) ?? own else {
            throw .forbidden("A certificate needs an account, and the request has none.")
        }
        guard owner == own || exchange.rights.administersAccounts else {
            throw .forbidden("Only an administrator may have certificates made for another account.")
        }
        guard let account: AccountRecord = Identify.account(owner, exchange.view), account.isActive,
            kinds.contains(account.kind)
        else {
            throw .validation(
                .invalidOption,
                field: "accountId",
                message: "Certificates are for active accounts of people and programs; an environment has keys."
            )
        }
        if owner != own { try GivenPower.requireKind(account.kind, exchange) }
        let count: Int = exchange.view.records(.credential, RecordWriting.term("accountId", owner)).count { record in
            guard let credential = try? CredentialRecord(document: record.document), credential.kind == kind,
                credential.removed == nil
            else { return false }
            return (credential.expires ?? 0) > exchange.time
        }
        guard count < Limits.personCertificates else {
            throw .conflict(
                "The account has \(count) certificates that are good, and more are not made: remove those that nobody uses."
            )
        }
        return owner
    }

    private static func expires(_ wanted: Int64?, _ now: Int64) throws(Problem) -> Int64 {
        guard let wanted else { return now + Limits.personCertificateSeconds * 1_000 }
        let (least, most): (Int64, Int64) = (
            Limits.personCertificateMinimumSeconds, Limits.personCertificateMaximumSeconds
        )
        // A minute for clocks that differ.
        guard wanted >= now + (least - 60) * 1_000, wanted <= now + (most + 60) * 1_000 else {
            throw .validation(
                wanted > now ? .maxLimitExceeded : .minLimitExceeded,
                field: "expires",
                message: "A certificate is good for one hour at least and \(most / 86_400) days at most."
            )
        }
        return min(wanted, now + most * 1_000)
    }
}
