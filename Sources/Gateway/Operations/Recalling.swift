package import JSON
package import Store
package import StoreFormat

/// Looks into the past; the node supplies it out of the store's history.
///
/// Waits for the disk, on a thread of its own.
package protocol Recalling: Sendable {
    /// The entries that changed a record, the latest first, below a revision.
    ///
    /// - Throws: ``RecallFault``.
    func entries(
        of key: RecordKey,
        below revision: Revision,
        limit: Int
    ) async throws(RecallFault) -> [HistoryEntry]

    /// The record as it was right after `revision`; nil when there was none.
    func record(_ key: RecordKey, at revision: Revision) async throws(RecallFault) -> Record?

    /// The entries with an audit record below a revision, the latest first.
    func audits(below revision: Revision, limit: Int) async throws(RecallFault) -> [HistoryEntry]

    /// The entries with an audit record above a revision, the oldest first.
    func audits(above revision: Revision, limit: Int) async throws(RecallFault) -> [HistoryEntry]

    /// Goes along the hashes of everything that this node has written down.
    ///
    /// Shape: `{"whole", "from", "to", "entries", "head", "problem", …}`.
    func verified() async throws(RecallFault) -> JSONValue

    /// The lowest revision that can be asked about.
    func floor() async throws(RecallFault) -> Revision
}

/// History could not be read; the text is for the log.
package struct RecallFault: Error, Hashable, Sendable {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
}
