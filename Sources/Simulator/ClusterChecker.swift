internal import Checkers
internal import RaftCore
internal import Store
internal import StoreFormat

/// Knows everything that ever happened in a simulated cluster and finds the first thing that must not have.
///
/// It stands outside the members. What Raft promises is left to ``RaftChecker``; here is what the store and the
/// clients are promised. It has a state of its own, to which every committed entry is applied once.
struct ClusterChecker {
    private static let hashEvery: LogIndex = 64

    private(set) var raft = RaftChecker()
    private let reference: Store
    private var outcomes: [TransactionOutcome?] = []
    private var hashes: [LogIndex: [UInt8]] = [:]
    private(set) var truth = WatchTruth()
    /// By request, the revision at which it was carried out.
    private var ran: [String: Revision] = [:]
    private(set) var history: [ClientOperation] = []
    /// The last entry that was committed, if it is a transaction.
    private(set) var last: (transaction: Transaction, outcome: TransactionOutcome)?

    /// Nothing has happened.
    init() { reference = Store() }

    /// A cluster that begins with a state, such as a backup held, and has its own log behind it.
    init(beginningWith view: StoreView) {
        reference = Store(startingFrom: view, watchMemory: 1)
        raft.base = view.revision
        var changes: [WatchTruth.Change] = []
        for record in Self.records(of: view) {
            changes.append(.init(key: "\(record.key)", before: nil, after: Self.state(record)))
        }
        truth.append(view.revision, changes)
    }

    static func records(of view: StoreView) -> [Record] {
        ClusterWorld.tables.flatMap { view.records(in: $0) }
    }

    var violation: String? { raft.violation }
    var committedIndex: LogIndex { raft.committedIndex }
    /// The state after everything that is committed; not to be held.
    var head: StoreView { reference.view }

    mutating func fail(_ reason: String) { raft.fail(reason) }

    mutating func becameLeader(_ core: RaftCore) { raft.becameLeader(core) }

    mutating func compare(_ left: RaftCore, _ right: RaftCore) { raft.compare(left, right) }

    // MARK: Applied state

    /// Every member makes the same of every entry.
    mutating func applied(
        _ entry: LogEntry,
        _ outcome: TransactionOutcome?,
        by member: ClusterMember,
        in term: Term
    ) {
        if entry.index == committedIndex + 1 { refer(entry) }
        member.chainBefore = member.chain
        member.chain = Self.chain(after: entry, outcome, from: member.chain)
        raft.applied(entry, by: member.id, in: term, state: member.chain)
        guard entry.index - raft.base <= LogIndex(outcomes.count) else { return }
        guard outcomes[Int(entry.index - raft.base) - 1] == outcome else {
            let right: String = outcomes[Int(entry.index - raft.base) - 1].map { "\($0)" } ?? "nothing"
            return fail(
                "member \(member.id) made \(outcome.map { "\($0)" } ?? "nothing") of entry \(entry.index), not \(right)"
            )
        }
        guard entry.index % Self.hashEvery == 0, let hash = hashes[entry.index] else { return }
        if member.store.view.stateHash() != hash {
            fail("member \(member.id) has another state at entry \(entry.index)")
        }
    }

    private static func chain(after entry: LogEntry, _ outcome: TransactionOutcome?, from state: UInt64) -> UInt64 {
        func mix(_ state: UInt64, _ number: UInt64) -> UInt64 { (state ^ number) &* 0x100_0000_01B3 }
        var next: UInt64 = mix(mix(state, entry.index), entry.term << 8 | UInt64(entry.kind.rawValue))
        switch outcome {
        case .none: break
        case .committed(let revision, let numbers):
            next = mix(next, revision)
            for number in numbers { next = mix(next, number) }
        case .refused: next = mix(next, 1)
        }
        return next ^ next >> 31
    }

    private mutating func refer(_ entry: LogEntry) {
        last = nil
        guard entry.kind == .data else {
            reference.advance(to: entry.index)
            outcomes.append(nil)
            return truth.append(entry.index, [])
        }
        let transaction: Transaction
        do {
            transaction = try Transaction(decoding: entry.payload)
        } catch {
            return fail("entry \(entry.index) cannot be read: \(error)")
        }
        let known: [RecordKey] = transaction.writes.compactMap { write in
            switch write {
            case .put(let put): if case .known(let number) = put.number { RecordKey(put.table, number) } else { nil }
            case .delete(let table, .known(let number)): RecordKey(table, number)
            default: nil
            }
        }
        let before: [Record?] = records(known)
        let outcome: TransactionOutcome = reference.apply(index: entry.index, transaction)
        outcomes.append(outcome)
        last = (transaction, outcome)
        guard case .committed(let revision, let numbers) = outcome, revision == entry.index else {
            return truth.append(entry.index, [])
        }
        if let earlier = ran.updateValue(revision, forKey: transaction.requestID) {
            fail("request \(transaction.requestID) was carried out at revision \(earlier), and again at \(revision)")
        }
        var changes: [WatchTruth.Change] = []
        for (position, key) in known.enumerated() {
            let after: Record? = records([key])[0]
            if before[position] == nil, after == nil { continue }
            changes.append(
                .init(key: "\(key)", before: before[position].map(Self.state), after: after.map(Self.state))
            )
        }
        for case .put(let put) in transaction.writes {
            guard case .created(let position) = put.number else { continue }
            let key = RecordKey(put.table, numbers[position])
            changes.append(.init(key: "\(key)", before: nil, after: records([key])[0].map(Self.state)))
        }
        truth.append(entry.index, changes)
        if entry.index % Self.hashEvery == 0 { hashes[entry.index] = reference.view.stateHash() }
    }

    /// The view is let go of at once: held, it would make the next change copy.
    private func records(_ keys: [RecordKey]) -> [Record?] {
        let view: StoreView = reference.view
        return keys.map(view.get)
    }

    static func state(_ record: Record) -> WatchTruth.State {
        var labels: Set<String> = ["\(record.key.table)", "scope \(record.scope)"]
        for term in record.terms { labels.insert(String(decoding: term, as: UTF8.self)) }
        return WatchTruth.State(String(decoding: record.document, as: UTF8.self), labels: labels)
    }

    // MARK: Clients

    /// What was acknowledged is in the log, where the answer says.
    mutating func acknowledged(_ request: String, at revision: Revision, by client: String) {
        guard ran[request] == revision else {
            let found: String = ran[request].map { "was carried out at \($0)" } ?? "was never carried out"
            return fail("\(client) was told that request \(request) is revision \(revision), but it \(found)")
        }
    }

    mutating func answered(read call: Int, at index: LogIndex, floor: LogIndex, by member: MemberID) {
        raft.answered(read: UInt64(call), at: index, floor: floor, by: member)
    }

    mutating func recorded(_ operation: ClientOperation) { history.append(operation) }

    // MARK: The end

    /// All members of the end hold the one state, with everything that was committed.
    mutating func ended(_ members: [ClusterMember]) {
        let right: [UInt8] = reference.view.stateHash()
        for member in members where member.isUp {
            guard member.applied == committedIndex else {
                return fail("member \(member.id) ends at entry \(member.applied), not \(committedIndex)")
            }
            guard member.store.view.stateHash() == right else {
                return fail("member \(member.id) ends with another state than all entries make")
            }
        }
    }

    mutating func judge(_ watches: [WatchRecord]) {
        guard violation == nil else { return }
        if let complaint = LinearizabilityChecker(work: 500_000).check(history).complaint {
            fail("clients: " + complaint)
        }
        if let complaint = WatchChecker.firstViolation(in: watches, truth) { fail("watches: " + complaint) }
    }
}
