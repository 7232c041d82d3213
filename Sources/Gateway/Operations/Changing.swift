import EventLoop
import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// What a request wants to change, planned against one view.
struct PlannedChange: Sendable {
    /// The record that the answer shows.
    enum Subject: Sendable {
        case existing(RecordKey)
        /// The record of the table whose number is `$index`.
        case created(Table, index: Int)
    }

    var subject: Subject
    /// `create`, `update`, `remove`, or an action's name.
    var verb: String
    /// The API type, for the audit log.
    var type: String
    var preconditions: [Precondition] = []
    var writes: [Write] = []
    var created: Int = 0
    /// The members of the subject as they will be, where the plan knows them.
    var fields: JSONObject?
    /// Why RBAC allowed it.
    var decision: String?
    /// The request as the audit log keeps it: secrets masked.
    var request: JSONObject = [:]
    /// The environment with quotas that this adds to.
    var quotaOf: UInt64?
    /// The account that does this, where the request shows nobody's credentials: whoever logs in.
    var actor: UInt64?
}

/// Proposes changes: plans again when somebody else was faster, decides again when rights have changed.
enum Changing {
    /// The state after the change, and where its subject is.
    struct Result: Sendable {
        var view: StoreView
        var subject: RecordKey
        /// `$0`, `$1`, … of the transaction.
        var created: [UInt64]
        /// What the subject was made to be; nil where that is not known.
        var written: Written?
    }

    /// The members of a record as they are at a revision: it needs not be parsed to be read then.
    struct Written: Sendable {
        var revision: Revision
        var fields: JSONObject
    }

    /// - Parameters:
    ///   - subject: what the change is about, where that is known before it is planned.
    ///   - plan: called again with a newer view after a conflict; nil when there is nothing to change.
    /// - Returns: nil when the plan had nothing to change.
    static func commit(
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        about subject: PlannedChange.Subject? = nil,
        plan: (Exchange) throws(Problem) -> PlannedChange?
    ) async throws(Problem) -> Result? {
        var subject: PlannedChange.Subject? = subject
        var attempts: Int = 0
        var turn: UInt64?
        defer { if let turn { gateway.quotaTurns.leave(turn) } }
        while attempts <= Limits.conflictRetries {
            let planned: PlannedChange?
            do throws(Problem) {
                planned = try QuotaGuard.guarded(try plan(exchange), exchange, gateway)
            } catch {
                guard exchange.isCurrent else {
                    try await renew(&exchange, gateway)
                    continue
                }
                // What is in the way may be this very change: another node has made it, and could not say so.
                guard let subject, exchange.mayRunElsewhere,
                    let made: Result = try await madeElsewhere(subject, &exchange, gateway)
                else { throw error }
                return made
            }
            guard let change: PlannedChange = planned else {
                if exchange.isCurrent { return nil }
                try await renew(&exchange, gateway)
                continue
            }
            if AccessPreviews.isAsked(exchange) {
                exchange.preview = AccessPreviews.answer(change, exchange)
                return nil
            }
            if let project: UInt64 = change.quotaOf, turn == nil {
                let waited: Bool = await gateway.quotaTurns.enter(project)
                turn = project
                if waited {
                    guard !exchange.deadline.isPast else {
                        throw .unavailable(
                            "Others were adding to the environment for as long as this could wait; nothing was changed."
                        )
                    }
                    try await renew(&exchange, gateway)
                    continue
                }
            }
            attempts += 1
            subject = change.subject
            try checkSize(change)
            let outcome: TransactionOutcome
            let transaction: Transaction = transaction(change, exchange)
            // Held meanwhile it would have every change that is applied copy what it touches.
            exchange.view = .empty
            do throws(ProposalFault) {
                outcome = try await gateway.session.propose(transaction, for: &exchange)
            } catch {
                exchange.view = gateway.state.store.view
                throw Problem(proposal: error)
            }
            switch outcome {
            case .committed(let revision, let numbers):
                return try result(change.subject, change.fields, revision, numbers, &exchange, gateway)
            case .refused(let refusal):
                if let problem: Problem = final(refusal) {
                    exchange.view = gateway.state.store.view
                    exchange.isSettled = true
                    throw problem
                }
                try await renew(&exchange, gateway)
            }
        }
        throw .conflict("Others keep changing this at the same time; nothing was changed here. Try again.")
    }

    private static func result(
        _ subject: PlannedChange.Subject,
        _ fields: JSONObject?,
        _ revision: Revision,
        _ numbers: [UInt64],
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) throws(Problem) -> Result {
        exchange.committed = revision
        exchange.isSettled = true
        exchange.view = gateway.state.store.view
        switch subject {
        case .existing(let key):
            var result = Result(view: exchange.view, subject: key, created: numbers)
            // Another node that ran the request may have planned it on another state.
            if !exchange.mayRunElsewhere, exchange.forwarded == nil {
                result.written = fields.map { Written(revision: revision, fields: $0) }
            }
            return result
        case .created(let table, let index):
            // Another node that ran the request may have planned it on another state.
            guard numbers.indices.contains(index) else { throw .fault }
            return Result(view: exchange.view, subject: RecordKey(table, numbers[index]), created: numbers)
        }
    }

    private static func madeElsewhere(
        _ subject: PlannedChange.Subject,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Result? {
        do throws(ProposalFault) {
            let outcome: TransactionOutcome? = try await gateway.session.settle(&exchange)
            exchange.isSettled = true
            guard case .committed(let revision, let numbers)? = outcome else { return nil }
            return try? result(subject, nil, revision, numbers, &exchange, gateway)
        } catch {
            throw Problem(proposal: error)
        }
    }

    private static func transaction(_ change: PlannedChange, _ exchange: Exchange) -> Transaction {
        // What a user interface remembers is nobody's deed (contract A21).
        guard change.type != UserPreferences.type else {
            return Transaction(
                time: exchange.time,
                actor: exchange.caller.name,
                requestID: exchange.id,
                preconditions: change.preconditions + policy(exchange),
                writes: change.writes,
                created: change.created
            )
        }
        var audit = AuditRecord(
            eventType: "api.\(change.type).\(change.verb)",
            resourceType: change.type,
            authType: exchange.caller.authType,
            credential: exchange.caller.credentialNumber.map { ResourceID(number: $0).rendered("c") } ?? "",
            clientIP: exchange.client.audited,
            decision: cut(change.decision ?? ""),
            requestObject: AuditEnvelope(change.request, exchange).bytes
        )
        switch change.subject {
        case .existing(let key): audit.resourceID = key.number
        case .created(_, let index): audit.createdResource = index
        }
        return Transaction(
            time: exchange.time,
            actor: change.actor.map { ResourceID(number: $0).rendered("a") } ?? exchange.caller.name,
            requestID: exchange.id,
            audit: audit,
            preconditions: change.preconditions + policy(exchange),
            writes: change.writes,
            created: change.created
        )
    }

    /// An audit text has a bound; what stands first in a decision is what decided.
    private static func cut(_ text: String) -> String {
        text.utf8.count <= Limits.transactionTextBytes ? text : "\(text.prefix(Limits.transactionTextBytes / 8))…"
    }

    /// Before anything is proposed: what is too large for a record is the caller's to shorten.
    private static func checkSize(_ change: PlannedChange) throws(Problem) {
        for case .put(let write) in change.writes where write.document.bytes.count > Limits.resourceBytes {
            throw .tooLarge(
                "This \(change.type) takes \(write.document.bytes.count) bytes, and a resource may have "
                    + "\(Limits.resourceBytes). Shorten it."
            )
        }
    }

    /// The decision holds only as long as nobody changes the rights of the caller, or the environment's being active.
    private static func policy(_ exchange: Exchange) -> [Precondition] {
        var subjects: [[UInt8]] = []
        if let number = exchange.caller.accountNumber { subjects.append(PolicySubject.account(number)) }
        if let number = exchange.projectNumber, number != exchange.caller.accountNumber {
            subjects.append(PolicySubject.account(number))
        }
        let subject: Subject = exchange.caller.subject
        if !subject.granted.isEmpty || !subject.identities.isEmpty { subjects.append(PolicySubject.accessRoles) }
        if exchange.caller.credentialNumber == nil { subjects.append(PolicySubject.accessControl) }
        if let number = exchange.caller.credentialNumber { subjects.append(PolicySubject.credential(number)) }
        // An old state may not know of an interceptor that everybody has to pass.
        if !exchange.isCurrent { subjects.append(PolicySubject.interceptors) }
        return subjects.map { .policyUnchanged(subject: $0, since: exchange.view.revision) }
    }

    /// The problem for a refusal that planning again cannot mend.
    private static func final(_ refusal: Refusal) -> Problem? {
        guard !refusal.isMended(bySession: true) else { return nil }
        return switch refusal {
        case .revisionChanged, .present, .uniqueKeyTaken, .policyChanged, .sessionExpired: nil
        case .epochChanged: .conflict("The environment is moving to another node; try again.")
        case .poolExhausted(let name, let wanted, let left):
            .conflict("The pool \(String(decoding: name, as: UTF8.self)) has \(left) left, and \(wanted) are needed.")
        case .invalid(let reason): .badRequest("The change cannot be made: \(reason).")
        }
    }

    /// A newer view, and everything that was decided on the old one decided again.
    private static func renew(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) {
        let wasCurrent: Bool = exchange.isCurrent
        exchange.view = try await Consistency.current(gateway, on: exchange.connection.loop)
        exchange.isCurrent = true
        _ = try await Identify.stage(&exchange, gateway)
        _ = try await ProjectScope.stage(&exchange, gateway)
        _ = try await EarlyAuthorisation.stage(&exchange, gateway)
        // The old state may have known of no interceptor: nothing was made, and all begins anew, with asking them.
        if !wasCurrent, !exchange.policy.interceptors.isEmpty {
            exchange.startsOver = true
            throw .conflict("The interceptors were changed while this was under way; nothing was changed. Try again.")
        }
    }
}

extension PolicySubject {
    /// What everybody without a credential relies on.
    static let accessControl: [UInt8] = setting(ActiveSettings.accessControl)
    /// What everybody relies on who was not shown to an interceptor.
    static let interceptors: [UInt8] = setting(InterceptorConfig.setting)
}

extension Refusal {
    /// Whether planning again on a newer state may lead to another outcome.
    ///
    /// - Parameter bySession: what to say of a session that has gone.
    func isMended(bySession: Bool) -> Bool {
        switch self {
        case .revisionChanged, .present, .uniqueKeyTaken, .policyChanged: true
        case .sessionExpired: bySession
        case .epochChanged, .poolExhausted, .invalid: false
        }
    }
}
