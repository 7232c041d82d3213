import Limits
import StoreFormat
import TestSupport
import Testing

@testable import Store

struct WatchTests {
    /// Everything that can be had without waiting.
    static func drain(_ watch: Watch) throws -> [WatchEvent] {
        var events: [WatchEvent] = []
        while let event = try watch.poll() { events.append(event) }
        return events
    }

    /// What one filter must see of each revision, by the plainest rule.
    static func expected(
        _ filter: WatchFilter,
        from: Revision,
        _ history: [(Revision, [RecordChange])]
    ) -> [WatchEvent] {
        func within(_ record: Record?) -> Bool {
            guard let record else { return false }
            return filter.scopes?.contains(record.scope) ?? true
                && filter.tables?.contains(record.key.table) ?? true
                && filter.numbers?.contains(record.key.number) ?? true
                && (filter.term.map { record.terms.contains($0) } ?? true)
        }
        var events: [WatchEvent] = []
        for (revision, all) in history where revision >= from {
            var changes: [Change] = []
            for change in all {
                let kind: Change.Kind
                switch (within(change.before), within(change.after)) {
                case (false, false): continue
                case (false, true): kind = .entered
                case (true, true): kind = .changed
                case (true, false): kind = .left
                }
                changes.append(Change(key: change.key, before: change.before, after: change.after, kind: kind))
            }
            if !changes.isEmpty { events.append(WatchEvent(revision: revision, changes: changes)) }
        }
        return events
    }

    static func changes(_ before: [RecordKey: Record], _ after: [RecordKey: Record]) -> [RecordChange] {
        Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
            .map { RecordChange(key: $0, before: before[$0], after: after[$0]) }
    }

    static func filter(_ random: inout Seeded) -> WatchFilter {
        var filter = WatchFilter()
        if Bool.random(using: &random) { filter.scopes = [UInt64.random(in: 1...40, using: &random), 3, 4, 5, 6, 7] }
        if Bool.random(using: &random) { filter.tables = [Bool.random(using: &random) ? services : stacks] }
        if Int.random(in: 0..<3, using: &random) == 0 {
            filter.term = bytes("t\(Int.random(in: 0..<8, using: &random))")
        }
        if Int.random(in: 0..<4, using: &random) == 0 { filter.numbers = Set((1...20).map { UInt64($0) }) }
        return filter
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `any filter from any revision sees exactly what a naive model says`(seed: UInt64) throws {
        let store = Store()
        var model = NaiveStore()
        var source = RandomTransactions(seed: seed)
        var random = Seeded(seed &+ 100)
        var history: [(Revision, [RecordChange])] = []
        struct Watcher {
            var watch: Watch
            var filter: WatchFilter
            var from: Revision
            var seen: [WatchEvent] = []
        }
        var watchers: [Watcher] = []
        for index in 1...Revision(400) {
            if index % 10 == 1 {
                let filter: WatchFilter = Self.filter(&random)
                // From the past, from now, and from the future.
                let from = Revision.random(in: 1...index + 60, using: &random)
                watchers.append(Watcher(watch: try store.watch(from: from, filter: filter), filter: filter, from: from))
            }
            let value: Transaction = source.next(index: index, model)
            let before: [RecordKey: Record] = model.records
            _ = model.apply(index, value)
            history.append((index, Self.changes(before, model.records)))
            _ = store.apply(index: index, value)
            for place in watchers.indices where Int.random(in: 0..<8, using: &random) == 0 {
                watchers[place].seen += try Self.drain(watchers[place].watch)
            }
        }
        var total: Int = 0
        for var watcher in watchers {
            watcher.seen += try Self.drain(watcher.watch)
            let expected: [WatchEvent] = Self.expected(watcher.filter, from: watcher.from, history)
            #expect(watcher.seen == expected, "seed \(seed), from \(watcher.from), \(watcher.filter)")
            total += expected.count
        }
        #expect(total > 500, "too little was watched: \(total)")
    }

    @Test func `a record that enters or leaves a filter is sent as such`() throws {
        let store = Store()
        let watch: Watch = try store.watch(
            from: 1,
            filter: WatchFilter(scopes: [5], tables: [services], term: bytes("a"))
        )
        let writes: [Write] = [
            put(1), put(1, terms: ["a"]), put(1, "x", terms: ["a"]), put(1, scope: 6, terms: ["a"]),
            put(1, terms: ["a"]), .delete(services, .known(1)), put(1, in: stacks, terms: ["a"]),
        ]
        for (offset, write) in writes.enumerated() {
            _ = store.apply(index: Revision(offset + 1), transaction([write]))
        }
        let events: [WatchEvent] = try Self.drain(watch)
        #expect(events.map(\.revision) == [2, 3, 4, 5, 6])
        #expect(events.flatMap { $0.changes.map(\.kind) } == [.entered, .changed, .left, .entered, .left])
        #expect(events[2].changes[0].after?.scope == 6)
        #expect(events[4].changes[0].after == nil)
        #expect(events[0].changes[0].before?.terms == [])
    }

    @Test func `a transaction is one event, and one that changes nothing is none`() throws {
        let store = Store()
        let watch: Watch = try store.watch(from: 1)
        _ = store.apply(index: 1, transaction([put(3), put(1), put(2)]))
        _ = store.apply(index: 2, transaction([put(1)], if: [.absent(RecordKey(services, 1))]))
        _ = store.apply(index: 3, transaction([put(9), .delete(services, .known(9))]))
        _ = store.apply(index: 4, transaction([put(2, "a"), put(2, "b")]))
        let events: [WatchEvent] = try Self.drain(watch)
        #expect(events.map(\.revision) == [1, 4])
        #expect(events[0].changes.map(\.key.number) == [1, 2, 3])
        #expect(events[1].changes.map { $0.after?.document } == [bytes("b")])
        #expect(events[1].changes.map { $0.before?.document } == [bytes("{}")])
    }

    @Test func `a watch on a future revision delivers nothing until then`() async throws {
        let store = Store()
        let watch: Watch = try store.watch(from: 3)
        for index in 1...Revision(2) { _ = store.apply(index: index, transaction([put(index)])) }
        #expect(try watch.poll() == nil)
        store.bookmarkWatches()
        #expect(try watch.poll() == nil, "no bookmark from before its start either")
        _ = store.apply(index: 3, transaction([put(3)]))
        #expect(try await watch.next()?.revision == 3)
    }

    @Test func `a slow watch gets what is queued, is then closed, and resumes without a gap`() throws {
        let store = Store()
        let watch: Watch = try store.watch(from: 1)
        #expect(try watch.poll() == nil, "from here on it is live")
        let last = Revision(Limits.watchQueuedEvents + 10)
        for index in 1...last { _ = store.apply(index: index, transaction([put(1)])) }
        var seen: [Revision] = []
        var resume: Revision = 0
        do {
            while let event = try watch.poll() { seen.append(event.revision) }
        } catch WatchEnded.tooSlow(let revision) {
            resume = revision
        }
        #expect(resume == Revision(Limits.watchQueuedEvents) + 1)
        seen += try Self.drain(try store.watch(from: resume)).map(\.revision)
        #expect(seen == Array(1...last))
    }

    @Test func `below what memory keeps a watch is refused, with the lowest usable revision`() throws {
        let store = Store(StoreView(), disk: nil, watchMemory: 2_000)
        let early: Watch = try store.watch(from: 1)
        let writes: [Write] = (1...UInt64(3)).map { put($0) }
        let rounds: Revision = 2_500
        for index in 1...rounds { _ = store.apply(index: index, transaction(writes)) }
        let lowest: Revision = store.lowestWatchRevision
        #expect(lowest == rounds - 2_000 / 3 + 1)
        #expect(throws: WatchRefusal.belowHorizon(lowest: lowest)) { try store.watch(from: lowest - 1) }
        #expect(throws: WatchEnded.belowHorizon(lowest: lowest)) { try early.poll() }
        let events: [WatchEvent] = try Self.drain(try store.watch(from: lowest))
        #expect(events.map(\.revision) == Array(lowest...rounds))
    }

    @Test func `bookmarks tell a quiet watch how far it is, after its events and only once`() throws {
        let store = Store()
        let watch: Watch = try store.watch(from: 1, filter: WatchFilter(tables: [stacks]))
        #expect(try watch.poll() == nil)
        _ = store.apply(index: 1, transaction([put(1, in: stacks)]))
        for index in 2...Revision(5) { _ = store.apply(index: index, transaction([put(1)])) }
        store.bookmarkWatches()
        _ = store.apply(index: 6, transaction([put(1)]))
        store.bookmarkWatches()
        store.bookmarkWatches()
        let events: [WatchEvent] = try Self.drain(watch)
        #expect(events.map(\.revision) == [1, 6])
        #expect(events.map(\.isBookmark) == [false, true])
        _ = store.apply(index: 7, transaction([put(2, in: stacks)]))
        #expect(try Self.drain(watch).map(\.revision) == [7])
    }

    @Test func `a reader that waits is woken by an event, by the end of the store and by cancellation`() async throws {
        let store = Store()
        let watch: Watch = try store.watch(from: 1)
        async let first: WatchEvent? = watch.next()
        await Task.yield()
        _ = store.apply(index: 1, transaction([put(1)]))
        #expect(try await first?.revision == 1)

        let task = Task { try await watch.next() }
        await Task.yield()
        task.cancel()
        #expect(try await task.value == nil)

        _ = store.apply(index: 2, transaction([put(1)]))
        #expect(try await watch.next()?.revision == 2, "a cancelled wait loses nothing")
        let end = Task { try await watch.next() }
        await Task.yield()
        store.closeWatches()
        await #expect(throws: WatchEnded.storeClosed(resumeFrom: 3)) { try await end.value }
        #expect(throws: WatchRefusal.storeClosed) { try store.watch(from: 3) }
    }

    @Test func `readers and the applier in different threads: no gap, no repeat`() async throws {
        let store = Store()
        let last: Revision = 3_000
        let watches: [Watch] = try (0..<8).map { try store.watch(from: Revision(1 + $0 * 100)) }
        let seen: [[Revision]] = try await withThrowingTaskGroup(of: (Int, [Revision]).self) { group in
            for (place, watch) in watches.enumerated() {
                group.addTask {
                    var seen: [Revision] = []
                    while seen.last != last, let event = try await watch.next() { seen.append(event.revision) }
                    return (place, seen)
                }
            }
            group.addTask {
                for index in 1...last {
                    _ = store.apply(index: index, transaction([put(index % 50 + 1)]))
                    if index % 16 == 0 { await Task.yield() }
                }
                return (-1, [])
            }
            var all: [[Revision]] = Array(repeating: [], count: watches.count)
            for try await (place, revisions) in group where place >= 0 { all[place] = revisions }
            return all
        }
        for (place, revisions) in seen.enumerated() { #expect(revisions == Array(Revision(1 + place * 100)...last)) }
    }

    @Test func `a watch that is let go is forgotten, and their number is bounded`() throws {
        let store = Store()
        var watches: [Watch] = []
        for _ in 0..<Limits.watches { watches.append(try store.watch(from: 1)) }
        #expect(throws: WatchRefusal.tooMany(limit: Limits.watches)) { try store.watch(from: 1) }
        watches.removeLast()
        #expect(throws: Never.self) { watches.append(try store.watch(from: 1)) }
    }
}
