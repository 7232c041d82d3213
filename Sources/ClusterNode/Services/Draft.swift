import JSON
import Limits
import Model
import StoreFormat

/// A transaction while it is being put together.
///
/// Invariant: every record that it rewrites is named with the revision it was read at (or as absent), and the
/// scope's epoch is always named: a controller that lost its scope changes nothing.
struct Draft {
    private let context: ControlContext
    private var preconditions: [Precondition]
    private var writes: [Write] = []
    private(set) var created: Int = 0
    private var documentBytes: Int = 0

    init(_ context: ControlContext) {
        self.context = context
        preconditions = [.epoch(scope: context.scope, context.epoch)]
    }

    var isEmpty: Bool { writes.isEmpty }
    /// Whether the rest is for the next run.
    ///
    /// Half of what a transaction may hold is kept for the records that
    /// every transaction ends with, and for the one that fills it.
    var isFull: Bool { writes.count >= Limits.orderBatch || documentBytes >= Limits.transactionBytes / 2 }

    /// nil when there is nothing to write.
    var transaction: Transaction? {
        guard !writes.isEmpty else { return nil }
        return Transaction(
            time: context.time,
            actor: "system",
            requestID: context.requestID,
            preconditions: preconditions,
            writes: writes,
            created: created
        )
    }

    /// The decision was made on this record: refuse it when the record has changed since.
    mutating func builds(on key: RecordKey, _ revision: Revision?) {
        let condition: Precondition = revision.map { .revision(key, $0) } ?? .absent(key)
        if !preconditions.contains(condition) { preconditions.append(condition) }
    }

    mutating func builds<Record>(on stored: Stored<Record>) {
        builds(on: stored.key, stored.revision)
    }

    /// Writes a changed version of a record that was read.
    mutating func rewrite<Record>(_ stored: Stored<Record>, to record: Record) {
        builds(on: stored)
        append(
            RecordWriting.put(
                stored.key.table,
                .known(stored.number),
                record.fields,
                scope: .known(scope(of: stored.key.table))
            )
        )
    }

    /// Writes a record beside a resource, which may not exist yet.
    mutating func put<Record: RecordDocument>(_ key: RecordKey, replacing revision: Revision?, _ record: Record) {
        builds(on: key, revision)
        append(
            RecordWriting.put(key.table, .known(key.number), record.fields, scope: .known(scope(of: key.table)))
        )
    }

    private mutating func append(_ write: Write) {
        if case .put(let put) = write { documentBytes += put.document.bytes.count }
        writes.append(write)
    }

    /// Creates a record under a number of its own.
    mutating func create<Record: RecordDocument>(_ table: Table, _ record: Record) -> NumberReference {
        let number: NumberReference = .created(created)
        created += 1
        append(RecordWriting.put(table, number, record.fields, scope: .known(scope(of: table))))
        return number
    }

    /// Adds claims to a host's reservations.
    mutating func reserve(on host: HostView, _ claims: [HostClaim]) {
        builds(on: host.reservationKey, host.reservation?.revision)
        // A host that left, or stopped taking instances, since it was chosen refuses the placement.
        builds(on: host.host)
        append(
            RecordWriting.put(
                host.reservation?.record ?? HostReservation(),
                of: host.number,
                adding: claims,
                scope: .known(context.scope)
            )
        )
    }

    mutating func delete(_ key: RecordKey) {
        append(.delete(key.table, .known(key.number)))
    }

    /// Rights changed: what was decided under the old ones is refused.
    mutating func forgetPolicy(_ subject: [UInt8]) {
        append(.forgetPolicy(subject: Template(bytes: subject)))
    }

    mutating func touchPolicy(_ subject: [UInt8]) {
        append(.touchPolicy(subject: Template(bytes: subject)))
    }

    /// Accounts belong to the cluster, everything else that controllers write to its environment.
    private func scope(of table: Table) -> UInt64 { table == .account ? 0 : context.scope }
}
