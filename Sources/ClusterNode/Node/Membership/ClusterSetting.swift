import Limits
import Model
import Store
import StoreFormat

/// Settings of the cluster that the nodes themselves go by.
enum ClusterSetting {
    /// A voter that is silent for so long is removed; nil for never.
    static func deadNodeMilliseconds(_ view: StoreView) -> Int? {
        let seconds: Int = seconds("cluster.dead.node.seconds", view)
        return seconds == 0 ? nil : max(seconds, Limits.deadNodeMinimumSeconds) * 1_000
    }

    /// How often each node proves that its checkpoint can be restored; nil for never.
    static func rehearsalSeconds(_ view: StoreView) -> Int? {
        let seconds: Int = seconds("cluster.restore.rehearsal.seconds", view)
        return seconds == 0 ? nil : max(seconds, Limits.rehearsalMinimumSeconds)
    }

    /// What is no number of seconds counts as 0.
    private static func seconds(_ name: String, _ view: StoreView) -> Int {
        var text: String? = SettingCatalogue.definition(name)?.defaultValue
        if let key: RecordKey = view.holder(Array("setting/\(name)".utf8)),
            let record: Record = view.get(key)
        {
            text = (try? SettingRecord(document: record.document))?.value ?? text
        }
        guard let seconds: Int = text.flatMap({ Int($0) }), seconds > 0 else { return 0 }
        return min(seconds, Limits.settingMaximumSeconds)
    }
}
