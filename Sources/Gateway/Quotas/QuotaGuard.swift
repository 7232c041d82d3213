import JSON
import Model
import RBAC
import Store
import StoreFormat

/// Keeps environments within their quotas: looks at what a planned change adds, and makes sure that nothing else is added
/// between that look and the change (see `docs/decisions/0014-quotas-are-counted.md`).
enum QuotaGuard {
    /// The same change; with the condition that nobody was faster, where it adds to what is limited.
    ///
    /// - Throws: 403 `QuotaExceeded`.
    static func guarded(
        _ change: PlannedChange?,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) throws(Problem) -> PlannedChange? {
        guard var change, let project: UInt64 = project(of: change),
            let limits: Quotas = exchange.policy.quotas(of: project, exchange.view)
        else { return change }
        let hosts: Int = UsageBook.hosts(of: project, in: exchange.view)
        let usage: QuotaUsage = gateway.usage.usage(of: project, in: exchange.view)
        let decision = QuotaDecision(
            limits,
            before: usage.completed(hosts: hosts),
            after: (usage + added(by: change, exchange.view)).completed(hosts: hosts)
        )
        if let excess: QuotaDecision.Excess = decision.excess { throw .quota(excess, of: project) }
        guard decision.isLimited else { return change }
        change.quotaOf = project
        let subject: [UInt8] = PolicySubject.quota(project)
        change.preconditions.append(.policyUnchanged(subject: subject, since: exchange.view.revision))
        change.writes.append(.touchPolicy(subject: Template(bytes: subject)))
        return change
    }

    /// The environment that the change puts something into; a change is about one.
    private static func project(of change: PlannedChange) -> UInt64? {
        for case .put(let write) in change.writes where QuotaUsage.tables.contains(write.table) {
            if case .known(let scope) = write.scope, scope > 0 { return scope }
        }
        return nil
    }

    private static func added(by change: PlannedChange, _ view: StoreView) -> QuotaUsage {
        var added = QuotaUsage()
        for case .put(let write) in change.writes where QuotaUsage.tables.contains(write.table) {
            if case .known(let number) = write.number, let before: Record = view.get(RecordKey(write.table, number)) {
                added = added + -UsageBook.usage(of: before)
            }
            guard let fields: JSONObject = try? JSONReader.parse(write.document.bytes).object else { continue }
            added = added + QuotaUsage(write.table, fields, size: write.document.bytes.count)
        }
        return added
    }

    /// The member `quotaUsage` of an environment's own document: by name, what is used and what the limit is.
    static func document(_ project: UInt64, _ exchange: Exchange, _ gateway: Gateway) -> JSONValue? {
        guard let limits: Quotas = exchange.policy.quotas(of: project, exchange.view) else { return nil }
        let usage: QuotaUsage = gateway.usage.usage(of: project, in: exchange.view)
            .completed(hosts: UsageBook.hosts(of: project, in: exchange.view))
        var document = JSONObject()
        for name in Quotas.Name.allCases {
            let used: Int64 = name == .watches ? Int64(gateway.watches.count(of: project)) : usage[name]
            document.append(name.rawValue, ["used": .int(used), "limit": limits[name].map { .int($0) } ?? .null])
        }
        return .object(document)
    }
}

extension PolicySubject {
    /// What everybody says who adds to a limited environment: of two at a time the second looks again.
    static func quota(_ project: UInt64) -> [UInt8] { Array("quota/\(project)".utf8) }
}

extension Problem {
    static func quota(_ excess: QuotaDecision.Excess, of project: UInt64) -> Problem {
        Problem(
            status: 403,
            code: "QuotaExceeded",
            message:
                "The environment \(ResourceID(number: project).rendered("a")) has \(excess.used) of \(excess.limit) "
                + "\(excess.name.rawValue) that it may have, and this takes \(excess.wanted) more. Remove some; or ask an "
                + "administrator, who can raise the limit (the environment's member quotas, or the setting "
                + "\(Quotas.setting(excess.name))).",
            detail: "quota=\(excess.name.rawValue) used=\(excess.used) limit=\(excess.limit) wanted=\(excess.wanted)"
        )
    }
}
