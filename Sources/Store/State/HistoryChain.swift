import Bytes
import Crypto
package import StoreFormat

/// The hashes that tie the entries of history together: each is made of the one before and of everything in the entry.
///
/// So what is changed, removed or put in another place shows at the first entry behind it. Members whose histories begin at
/// the same entry have the same hashes.
enum HistoryChain {
    static let start: [UInt8] = SHA256.hash(Array("drover history".utf8))

    /// The hash of an entry.
    ///
    /// - Parameter changes: as they are stored, ascending by key.
    static func next(
        _ before: [UInt8],
        revision: Int64,
        time: Int64,
        actor: String,
        request: String,
        resource: Int64?,
        audit: [UInt8]?,
        changes: [Change]
    ) -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 512)
        writer.u8(1)
        writer.byteString(before)
        writer.i64(revision)
        writer.i64(time)
        writer.string(actor)
        writer.string(request)
        writer.bool(resource != nil)
        if let resource { writer.i64(resource) }
        writer.bool(audit != nil)
        if let audit { writer.byteString(audit) }
        writer.count(changes.count)
        for change in changes {
            writer.i64(change.table)
            writer.i64(change.number)
            for side in [change.before, change.after] {
                writer.bool(side != nil)
                if let side { writer.byteString(side) }
            }
        }
        return SHA256.hash(writer.bytes)
    }

    /// The hash where entries are missing, up to `revision`, because the state came from another member.
    static func gap(_ before: [UInt8], upTo revision: Int64) -> [UInt8] {
        var writer = ByteWriter()
        writer.u8(2)
        writer.byteString(before)
        writer.i64(revision)
        return SHA256.hash(writer.bytes)
    }

    struct Change {
        var table: Int64
        var number: Int64
        var before: [UInt8]?
        var after: [UInt8]?
    }
}

/// What came of going along the hashes of a history.
package struct HistoryVerdict: Hashable, Sendable {
    /// The lowest revision that is covered, and the highest.
    package var from: Revision
    package var to: Revision
    package var entries: Int
    /// Of the last entry: the same on every member whose history begins where this one does.
    package var head: [UInt8]
    /// Where it begins: not the start of the cluster's history, where older entries were purged.
    package var anchor: [UInt8]
    /// The first that is wrong; nil when nothing is.
    package var problem: Problem?

    package struct Problem: Hashable, Sendable {
        package var revision: Revision
        package var reason: String
    }

    package var isWhole: Bool { problem == nil }
}
