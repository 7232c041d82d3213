import JSON
import Limits
import Model
import Store
import StoreFormat

/// The settings that logging in goes by.
enum AuthSettings {
    static let provider: String = "api.auth.provider.configured"
    static let enabler: String = "api.auth.enabler"
    static let expiry: String = "api.auth.jwt.token.expiry"
    static let concurrent: String = "api.auth.restrict.concurrent.sessions"
    static let localMode: String = "api.auth.local.access.mode"
    static let createsProject: String = "project.create.default"
    static let memberRoles: String = "project.set.member.roles"
    /// Identities that may log in whatever the access mode, separated by commas: `rancher_id:1a7,openid_group:ops`.
    static let allowed: String = "api.auth.allowed.identities"

    /// The type of the configured provider; nil for none.
    static func provider(_ view: StoreView) -> String? {
        guard let value: String = ActiveSettings.value(provider, view), !value.isEmpty, value.lowercased() != "none"
        else { return nil }
        return value
    }

    /// How long a login lasts: sixteen hours unless told otherwise, a minute at least, ten years at most.
    static func loginMilliseconds(_ view: StoreView) -> Int64 {
        let stored: Int64 = ActiveSettings.value(expiry, view).flatMap { Int64($0) } ?? 57_600_000
        return min(max(stored, 60_000), 315_360_000_000)
    }

    static func isOneSessionOnly(_ view: StoreView) -> Bool { flag(concurrent, view, else: false) }
    static func createsDefaultProject(_ view: StoreView) -> Bool { flag(createsProject, view, else: true) }

    /// The roles in an environment that may set its members.
    static func memberSettingRoles(_ view: StoreView) -> [String] { list(memberRoles, view, else: "owner") }
    static func allowedIdentities(_ view: StoreView) -> [String] { list(allowed, view, else: "") }

    private static func flag(_ name: String, _ view: StoreView, else otherwise: Bool) -> Bool {
        guard let value: String = ActiveSettings.value(name, view)?.lowercased() else { return otherwise }
        return otherwise ? value != "false" : value == "true"
    }

    private static func list(_ name: String, _ view: StoreView, else otherwise: String) -> [String] {
        (ActiveSettings.value(name, view) ?? otherwise).split(separator: ",").map {
            String($0.drop { $0 == " " }.prefix { $0 != " " })
        }
    }

    /// Adds to a change that the setting has this value from now on; nil for its default.
    static func put(_ name: String, _ value: String?, _ change: inout PlannedChange, _ exchange: Exchange) {
        let holder: RecordKey? = exchange.view.holder(Array("setting/\(name)".utf8))
        let existing: Record? = holder.flatMap { exchange.view.get($0) }
        var fields: JSONObject = [
            "name": .string(name), "kind": "setting", "state": "active", "created": .int(exchange.time), "removed": nil,
        ]
        if let existing {
            change.preconditions.append(.revision(existing.key, existing.revision))
            guard value != nil else {
                change.writes.append(.delete(.setting, .known(existing.key.number)))
                return
            }
            if let record = try? SettingRecord(document: existing.document) { fields = record.fields }
        }
        guard let value else { return }
        fields["value"] = .string(value)
        let number: NumberReference
        if let existing {
            number = .known(existing.key.number)
        } else {
            number = .created(change.created)
            change.created += 1
        }
        change.writes.append(RecordWriting.put(.setting, number, fields, scope: .known(0)))
    }
}
