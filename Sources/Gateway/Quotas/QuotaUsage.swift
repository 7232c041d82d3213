import JSON
import Model
import StoreFormat

/// What an environment has of everything that quotas count.
///
/// What is being removed counts no more. Of containers those count that are *wanted*: a service has as many as its scale says,
/// one for each host when it is global, whether they run yet or not; containers without a service count one each. So it
/// follows from what users write alone, and what the controllers make of it is never refused half-way.
struct QuotaUsage: Hashable, Sendable {
    private var amounts: [Quotas.Name: Int64] = [:]
    /// Services with a container on each host.
    private var globalServices: Int64 = 0

    /// - Parameter name: any but `watches`, which no record tells of.
    subscript(name: Quotas.Name) -> Int64 { amounts[name] ?? 0 }

    /// What one record adds.
    ///
    /// - Parameter size: of its document, in bytes.
    init(_ table: Table, _ fields: JSONObject, size: Int) {
        let state: String = fields["state"]?.string ?? ""
        guard fields["removed"]?.int == nil, !["removing", "removed", "purging", "purged"].contains(state) else {
            return
        }
        switch table {
        case .stack: amounts[.stacks] = 1
        case .volume: amounts[.volumes] = 1
        case .service:
            let service = ServiceRecord(fields: fields)
            amounts[.services] = 1
            if service.isGlobal { globalServices = 1 } else { amounts[.containers] = Int64(max(0, service.scale)) }
        case .instance:
            // Its service has counted it.
            guard fields["serviceId"]?.int == nil else { return }
            amounts[.containers] = 1
        default: return
        }
        amounts[.bytes] = Int64(size)
    }

    init() {}

    static let tables: [Table] = [.stack, .service, .instance, .volume]

    static func + (left: QuotaUsage, right: QuotaUsage) -> QuotaUsage {
        var sum: QuotaUsage = left
        for (name, amount) in right.amounts { sum.amounts[name, default: 0] += amount }
        sum.globalServices += right.globalServices
        return sum
    }

    static prefix func - (usage: QuotaUsage) -> QuotaUsage {
        var negative = QuotaUsage()
        negative.amounts = usage.amounts.mapValues { -$0 }
        negative.globalServices = -usage.globalServices
        return negative
    }

    /// With what follows from the number of the environment's hosts.
    func completed(hosts: Int) -> QuotaUsage {
        var whole: QuotaUsage = self
        whole.amounts[.containers, default: 0] += globalServices * Int64(hosts)
        whole.amounts[.objects] =
            whole[.stacks] + whole[.services] + whole[.containers] + whole[.volumes]
        return whole
    }
}

/// The decision: whether an environment may come to have more.
struct QuotaDecision: Hashable, Sendable {
    /// The first quota that a change would break.
    struct Excess: Hashable, Sendable {
        var name: Quotas.Name
        /// Before the change.
        var used: Int64
        var wanted: Int64
        var limit: Int64
    }

    /// Whether the change adds to anything that is limited: then nothing else may be added meanwhile.
    var isLimited: Bool = false
    var excess: Excess?

    /// What is above a limit already stays; only what adds to it is refused.
    init(_ limits: Quotas, before: QuotaUsage, after: QuotaUsage) {
        for name in Quotas.Name.allCases where after[name] > before[name] {
            guard let limit: Int64 = limits[name] else { continue }
            isLimited = true
            if after[name] > limit, excess == nil {
                excess = Excess(name: name, used: before[name], wanted: after[name] - before[name], limit: limit)
            }
        }
    }
}
