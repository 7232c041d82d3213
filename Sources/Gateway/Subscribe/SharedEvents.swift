import HTTP
import JSON
import Model
import Store
import StoreFormat
import Synchronization
import WebSocket

/// The events of changed resources, each rendered once for all subscribers who see it alike: with the same rights, the
/// same addresses in front of links, the same wishes.
///
/// Rights are those objects that a caller's credential stands for, so all subscribers with one key share. Whoever takes an
/// event from here has judged the rights behind its own stream as often as without.
final class SharedEvents: Sendable {
    private struct View: Hashable {
        var key: RecordKey
        var rights: ObjectIdentifier
        var root: String
        var usesActionLinks: Bool
        var include: String?
    }

    private struct Event {
        /// Of the state that it shows.
        var revision: Revision
        /// Nil where the resource is not to be seen.
        var frame: ServerTextFrame?
        /// Held, so that its identity is nobody else's meanwhile.
        var rights: Rights
    }

    private let events = Mutex<[View: Event]>([:])
    /// Starts over when it is full: an event is wanted by all at about the same time, and never again.
    private static let limit: Int = 512

    /// The event of a resource as it is at `revision` or later.
    ///
    /// - Parameters:
    ///   - look: at the rights of the viewer.
    ///   - state: what is rendered if nobody has.
    /// - Returns: nil when the subscriber does not see it.
    func frame(
        of key: RecordKey,
        for viewer: Viewer,
        _ look: Viewer.Look,
        since revision: Revision,
        in state: Store,
        time: Int64
    ) -> ServerTextFrame? {
        let view = View(
            key: key,
            rights: ObjectIdentifier(look.rights),
            root: viewer.root,
            usesActionLinks: viewer.usesActionLinks,
            include: viewer.include
        )
        if let known: Event = events.withLock({ $0[view] }), known.revision >= revision { return known.frame }
        let current: Exchange = viewer.exchange(look, state.view)
        let made = Event(
            revision: current.view.revision,
            frame: Self.render(key, current, time),
            rights: look.rights
        )
        events.withLock { events in
            if events.count >= Self.limit { events.removeAll() }
            if (events[view]?.revision ?? 0) <= made.revision { events[view] = made }
        }
        return made.frame
    }

    /// The resource as this caller sees it now; nil when it does not.
    private static func render(_ key: RecordKey, _ exchange: Exchange, _ time: Int64) -> ServerTextFrame? {
        guard let record: Record = exchange.view.get(key), let resource = Resource(record, in: exchange.view),
            Reading.isVisible(resource, exchange), !resource.isRemoved || resource.state == "removed"
        else { return nil }
        let document: JSONObject = Reading.document(resource, exchange)
        let isFirst: Bool = exchange.path.version == .one
        return ServerTextFrame(
            SubscribedEvent.resourceChange(
                type: isFirst ? VersionOne.theirs(word: resource.definition.name) : resource.definition.name,
                id: Renderer.id(of: resource),
                document: isFirst ? VersionOne.document(.object(document)).object ?? document : document,
                time: time
            )
        )
    }
}
