import EventLoop
import Glibc
import JSON
import Logging
import Store
import StoreFormat
import Synchronization

/// Proves from time to time that this node's checkpoint can be restored, and keeps when it last did.
///
/// When it was is a file of the node, no entry of the log: a cluster at rest writes nothing.
struct RestoreRehearsal: Sendable {
    let store: Store
    let folder: DataFolder
    let health: NodeHealth
    let loop: EventLoop
    let logger: Logger
    let now: @Sendable () -> Int64

    private var file: String { "\(folder.path)/rehearsal.json" }

    /// Until its task is cancelled: looks once in a while whether it is time.
    func run() async {
        let proven: Int64? = (try? DataFolder.read(file)).flatMap { try? JSONReader.parse($0) }?[
            "time"
        ]?.int
        health.provenRestore.withLock { $0 = proven }
        var isFirst = true
        while (try? await loop.sleep(milliseconds: isFirst ? Self.pause / 2 : Self.pause)) != nil {
            isFirst = false
            guard let seconds: Int = ClusterSetting.rehearsalSeconds(store.view) else { continue }
            let last: Int64 = health.provenRestore.withLock { $0 } ?? 0
            guard now() - last >= Int64(seconds) * 1_000 else { continue }
            await rehearse()
        }
    }

    private static let pause: Int = 60_000

    /// One rehearsal now; returns whether it went well.
    @discardableResult
    func rehearse() async -> Bool {
        let (store, path): (Store, String) = (store, folder.snapshots)
        do {
            let revision: Revision = try await Blocking.run { () throws(StoreFault) in
                try store.rehearseRestore(in: path)
            }
            let time: Int64 = now()
            let document: JSONValue = ["version": 1, "time": .int(time), "revision": JSONValue(revision)]
            try? DataFolder.write(JSONWriter.bytes(document), to: file)
            health.provenRestore.withLock { $0 = time }
            logger.info("restore proven", ["store.revision": JSONValue(revision)])
            return true
        } catch {
            logger.error(
                "the checkpoint could not be restored in a rehearsal",
                [
                    "error": .string("\(error)"),
                    "next": "make a backup on another node with `drover cluster backup`, and verify it",
                ]
            )
            return false
        }
    }
}
