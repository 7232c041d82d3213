import JSON
import Limits
import Model
import Services
import StoreFormat
import Testing

/// The replicated state as a dictionary: applies transactions as the store does, and keeps the rules that
/// controllers must keep (every rewritten record named, sizes within bounds).
struct MemoryState: StateReading {
    private struct Entry {
        var fields: JSONObject
        var revision: Revision
        var terms: [[UInt8]]
        var uniqueKeys: [[UInt8]]
    }

    private struct Term: Hashable {
        var table: Table
        var bytes: [UInt8]
    }

    private var entries: [RecordKey: Entry] = [:]
    private var terms: [Term: Set<UInt64>] = [:]
    private var holders: [[UInt8]: RecordKey] = [:]
    private(set) var revision: Revision = 0
    private var lastNumber: UInt64 = 100
    var epochs: [UInt64: UInt64] = [:]
    /// Keys that the last committed transaction changed.
    private(set) var changed: [RecordKey] = []

    func document(_ key: RecordKey) -> (fields: JSONObject, revision: Revision)? {
        entries[key].map { ($0.fields, $0.revision) }
    }

    func numbers(_ table: Table, term: [UInt8]) -> [UInt64] {
        (terms[Term(table: table, bytes: term)] ?? []).sorted()
    }

    func keys(of table: Table) -> [UInt64] {
        entries.keys.filter { $0.table == table }.map(\.number).sorted()
    }

    mutating func apply(_ transaction: Transaction, isController: Bool = true) -> TransactionOutcome {
        for precondition in transaction.preconditions {
            if let refusal: Refusal = check(precondition) { return .refused(refusal) }
        }
        #expect(transaction.writes.count <= Limits.transactionWrites)
        let numbers: [UInt64] = (0..<transaction.created).map { lastNumber + 1 + UInt64($0) }
        for write in transaction.writes {
            guard case .put(let put) = write else { continue }
            let key = RecordKey(put.table, resolved(put.number, numbers))
            if isController, let entry: Entry = entries[key] {
                #expect(transaction.preconditions.contains(.revision(key, entry.revision)), "\(key) rewritten unread")
            }
            for unique in put.uniqueKeys.map({ $0.filled(with: numbers) }) {
                if let holder: RecordKey = holders[unique], holder != key {
                    return .refused(.uniqueKeyTaken(key: unique, holder: holder))
                }
            }
        }
        revision += 1
        lastNumber += UInt64(transaction.created)
        changed = []
        for write in transaction.writes {
            switch write {
            case .put(let put):
                let key = RecordKey(put.table, resolved(put.number, numbers))
                remove(key)
                insert(key, put, numbers)
                changed.append(key)
            case .delete(let table, let number):
                let key = RecordKey(table, resolved(number, numbers))
                remove(key)
                changed.append(key)
            case .touchPolicy: continue  // nothing here is decided by rights
            default: Issue.record("a controller wrote \(write)")
            }
        }
        return .committed(revision: revision, numbers: numbers)
    }

    private func check(_ precondition: Precondition) -> Refusal? {
        switch precondition {
        case .revision(let key, let expected):
            let actual: Revision = entries[key]?.revision ?? 0
            return actual == expected ? nil : .revisionChanged(key, expected: expected, actual: actual)
        case .absent(let key): return entries[key] == nil ? nil : .present(key)
        case .uniqueKeyFree(let key): return holders[key].map { .uniqueKeyTaken(key: key, holder: $0) }
        case .epoch(let scope, let expected):
            let actual: UInt64 = epochs[scope] ?? 0
            return actual == expected ? nil : .epochChanged(scope: scope, expected: expected, actual: actual)
        default: return nil
        }
    }

    private func resolved(_ reference: NumberReference, _ numbers: [UInt64]) -> UInt64 {
        switch reference {
        case .known(let number): number
        case .created(let index): numbers[index]
        }
    }

    private mutating func insert(_ key: RecordKey, _ put: RecordWrite, _ numbers: [UInt64]) {
        let bytes: [UInt8] = put.document.filled(with: numbers)
        guard let fields: JSONObject = (try? JSONReader.parse(bytes))?.object else {
            Issue.record("\(key) is no JSON object: \(String(decoding: bytes, as: UTF8.self))")
            return
        }
        let entry = Entry(
            fields: fields,
            revision: revision,
            terms: put.terms.map { $0.filled(with: numbers) },
            uniqueKeys: put.uniqueKeys.map { $0.filled(with: numbers) }
        )
        for term in entry.terms { terms[Term(table: key.table, bytes: term), default: []].insert(key.number) }
        for unique in entry.uniqueKeys { holders[unique] = key }
        entries[key] = entry
    }

    private mutating func remove(_ key: RecordKey) {
        guard let entry: Entry = entries.removeValue(forKey: key) else { return }
        for term in entry.terms { terms[Term(table: key.table, bytes: term)]?.remove(key.number) }
        for unique in entry.uniqueKeys { holders[unique] = nil }
    }
}
