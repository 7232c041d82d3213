import JSON

/// A restart of a service's instances, batch after batch, while it is under way.
///
/// Shape, as the member `restart` of the service: `{"batchSize","intervalMillis","after","upTo","notBefore"}`. The state that
/// is stored stays what it was, so a node that knows of no restarts keeps the service going, and the restart rests
/// meanwhile; what documents show is `restarting`.
package struct ServiceRestart: Hashable, Sendable {
    package var batchSize: Int
    package var intervalMilliseconds: Int64
    /// The `createIndex` of the last instance that was told to start again: they take turns in that order.
    package var after: Int = 0
    /// That of the last one that there was at the beginning: later ones need no restart.
    package var upTo: Int
    /// When the next batch may come; milliseconds since 1970.
    package var notBefore: Int64 = 0

    package init(batchSize: Int, intervalMilliseconds: Int64, upTo: Int) {
        self.batchSize = batchSize
        self.intervalMilliseconds = intervalMilliseconds
        self.upTo = upTo
    }

    fileprivate init(_ object: JSONObject) {
        self.init(
            batchSize: Int(clamping: object["batchSize"]?.int ?? 1),
            intervalMilliseconds: object["intervalMillis"]?.int ?? 0,
            upTo: Int(clamping: object["upTo"]?.int ?? 0)
        )
        after = Int(clamping: object["after"]?.int ?? 0)
        notBefore = object["notBefore"]?.int ?? 0
    }

    fileprivate var object: JSONObject {
        [
            "batchSize": JSONValue(batchSize), "intervalMillis": .int(intervalMilliseconds), "after": JSONValue(after),
            "upTo": JSONValue(upTo), "notBefore": .int(notBefore),
        ]
    }

    /// Whether an instance is still to be restarted.
    package func includes(_ instance: InstanceRecord) -> Bool {
        instance.createIndex > after && instance.createIndex <= upTo
    }
}

extension ServiceRecord {
    /// States, as stored, in which a service is kept going, and its restart goes on.
    private static let kept: Set<String> = ["activating", "active", "updating-active"]

    package var restart: ServiceRestart? {
        get { fields["restart"]?.object.map { ServiceRestart($0) } }
        set { fields["restart"] = newValue.map { .object($0.object) } }
    }

    /// What documents show, and processes start from.
    package var shownState: String { restart != nil && Self.kept.contains(state) ? "restarting" : state }
}
