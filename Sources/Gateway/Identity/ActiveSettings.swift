import JSON
import Limits
import Model
import Store
import StoreFormat

/// The settings that the gateway itself goes by, as they are now.
enum ActiveSettings {
    static func value(_ name: String, _ view: StoreView) -> String? {
        guard let holder: RecordKey = view.holder(Array("setting/\(name)".utf8)), let record: Record = view.get(holder)
        else { return SettingCatalogue.definition(name)?.defaultValue }
        return (try? SettingRecord(document: record.document))?.value
    }

    /// Access control.
    ///
    /// Whatever is not clearly off is on.
    static func isSecurityEnabled(_ view: StoreView) -> Bool {
        value(accessControl, view)?.lowercased() != "false"
    }

    static let accessControl: String = "api.security.enabled"

    /// See ``Gateway/metricsRefusal(_:_:)``.
    static let metricsAccess: String = "metrics.access"

    /// Between nothing and a thousand years: sums with the time of a token must not overflow.
    static func registrationTokenMilliseconds(_ view: StoreView) -> Int64 {
        let stored: Int64 = value("registration.token.period.millis", view).flatMap { Int64($0) } ?? 315_360_000_000
        return min(max(stored, 0), 31_536_000_000_000)
    }

    /// How long a subscription lasts: as long as its pings take, which come every five seconds.
    static func subscriptionMilliseconds(_ view: StoreView) -> Int64 {
        let stored: Int64? = value("api.sub.max.pings", view).flatMap { Int64($0) }
        let pings: Int64 = min(max(stored ?? Limits.subscriptionPings, 1), 1_000_000)
        return pings * Int64(Limits.streamRightsMilliseconds)
    }

    /// The address that hosts are told to register at, without the API's version; nil for the caller's own.
    static func host(_ view: StoreView) -> String? {
        guard let text: String = value("api.host", view), SettingDefinition.isAddress(text) else { return nil }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
