import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// `?preview=true` on a change of roles or bindings: everything that would be checked is, nothing is written, and the answer
/// says who would gain and who would lose what.
enum AccessPreviews {
    static func isAsked(_ exchange: Exchange) -> Bool {
        exchange.query["preview"]?.lowercased() == "true" && AccessRoles.isAbout(exchange.definition?.table)
    }

    /// - Parameter change: the plan, complete.
    static func answer(_ change: PlannedChange, _ exchange: Exchange) -> Answer {
        var changed: [RecordKey: JSONObject?] = [:]
        for case .put(let write) in change.writes {
            guard AccessRoles.isAbout(write.table),
                let fields: JSONObject = try? JSONReader.parse(write.document.bytes).object
            else { continue }
            // What is not there yet stands under a number that nothing has.
            let number: UInt64 =
                switch write.number {
                case .known(let number): number
                case .created: .max
                }
            changed[RecordKey(write.table, number)] = .some(fields)
        }
        let now = GrantedRoles(exchange.view, at: exchange.time)
        let then = GrantedRoles(exchange.view, at: exchange.time, changed: changed)
        var (gains, losses): ([JSONValue], [JSONValue]) = ([], [])
        let affected: [Affected] = affected(changed, now, then, exchange)
        for one in affected.prefix(Limits.previewSubjects) {
            for difference in differences(one, now, then, exchange) {
                let shown: JSONValue = document(one, difference)
                if difference.isGain { gains.append(shown) }
                if difference.isLoss { losses.append(shown) }
            }
        }
        return .document(
            status: 200,
            .object([
                "id": nil, "type": "accessPreview", "baseType": "accessPreview", "links": [:], "actions": [:],
                "gains": .array(gains), "losses": .array(losses),
                "truncated": .bool(affected.count > Limits.previewSubjects),
            ])
        )
    }

    private static func document(_ one: Affected, _ change: AccessChange) -> JSONValue {
        [
            "type": "accessChange", "subject": .string(one.identity.description),
            "scope": .string(one.scope.description),
            "resourceType": .string(change.type), "verb": .string(change.verb.description),
            "before": .string(change.before.rawValue), "after": .string(change.after.rawValue),
        ]
    }

    /// Somebody whose rights somewhere may change.
    struct Affected: Hashable {
        var identity: AccessIdentity
        var scope: AccessScope
    }

    static func affected(
        _ changed: [RecordKey: JSONObject?],
        _ now: GrantedRoles,
        _ then: GrantedRoles,
        _ exchange: Exchange
    ) -> [Affected] {
        var found: Set<Affected> = []
        var order: [Affected] = []
        func add(_ binding: AccessRoleBindingRecord, _ roles: GrantedRoles) {
            guard let scope: BindingScope = roles.scope(binding) else { return }
            let place: AccessScope =
                switch scope {
                case .environment(let number), .stack(_, let number), .object(_, _, .some(let number)):
                    .environment(number)
                default: .cluster
                }
            for identity in binding.subjects.compactMap({ AccessSubject.identity($0) }) {
                let one = Affected(identity: identity, scope: place)
                if found.insert(one).inserted { order.append(one) }
            }
        }
        func addBindings(ofRole number: UInt64) {
            for record in exchange.view.records(.accessRoleBinding, RecordWriting.term("accessRoleId", number)) {
                if let binding = try? AccessRoleBindingRecord(document: record.document) { add(binding, now) }
            }
        }
        for (key, fields) in changed {
            switch key.table {
            case .accessRoleBinding:
                if let record: Record = exchange.view.get(key),
                    let binding = try? AccessRoleBindingRecord(document: record.document)
                {
                    add(binding, now)
                }
                if let fields { add(AccessRoleBindingRecord(fields: fields), then) }
            case .accessRole: addBindings(ofRole: key.number)
            default:
                for record in exchange.view.records(in: .accessRole) { addBindings(ofRole: record.key.number) }
            }
        }
        return order
    }

    static func differences(
        _ one: Affected,
        _ now: GrantedRoles,
        _ then: GrantedRoles,
        _ exchange: Exchange
    ) -> [AccessChange] {
        guard var before: Subject = AccessReviews.subject(one.identity, exchange) else { return [] }
        var after: Subject = before
        now.complete(&before)
        then.complete(&after)
        return AccessDifference.changes(
            for: after,
            in: one.scope,
            from: Binding.standing(of: before),
            to: Binding.standing(of: after)
        )
    }
}
