import Glibc
import SQLite
import StoreFormat
import Synchronization
import TestSupport
import Testing

@testable import Store

struct DiskTests {
    /// Entries, and the hash after each.
    static func entries(_ count: Int, seed: UInt64, hashed: Bool = true) -> (entries: [Transaction], hashes: [[UInt8]])
    {
        let store = Store()
        var model = NaiveStore()
        var source = RandomTransactions(seed: seed)
        var entries: [Transaction] = []
        var hashes: [[UInt8]] = [store.view.stateHash()]
        for index in 1...Revision(count) {
            var value: Transaction = source.next(index: index, model)
            if index % 7 == 0 {
                value.audit = AuditRecord(
                    eventType: "api.test",
                    resourceType: "service",
                    createdResource: value.created > 0 ? 0 : nil
                )
            }
            _ = model.apply(index, value)
            _ = store.apply(index: index, value)
            entries.append(value)
            if hashed { hashes.append(store.view.stateHash()) }
        }
        return (entries, hashes)
    }

    static func replay(_ entries: [Transaction], into store: Store, upTo last: Int) {
        var index = Int(store.appliedIndex) + 1
        while index <= last {
            _ = store.apply(index: Revision(index), entries[index - 1])
            index += 1
        }
    }

    @Test func `equal entries give equal hashes, and any difference another`() {
        let (entries, hashes): ([Transaction], [[UInt8]]) = Self.entries(60, seed: 1)
        let again = Store()
        Self.replay(entries, into: again, upTo: 60)
        #expect(again.view.stateHash() == hashes[60])
        let base: [Write] = [put(1, terms: ["a"]), .definePool(name: Template("p"), capacity: 3)]
        let variants: [[Write]] = [
            [], [put(1, "x", terms: ["a"])], [put(1, terms: ["b"])], [put(1, scope: 6, terms: ["a"])], [put(2)],
            [.takeFromPool(name: Template("p"), amount: 1)], [.touchPolicy(subject: Template("s"))],
            [.assignScope(scope: .known(1), node: "n")], [.openSession(nonce: 3)], [.delete(services, .known(1))],
        ]
        let different: Set<[UInt8]> = Set(
            variants.map { writes in
                let store = Store()
                _ = store.apply(index: 1, transaction(base + writes))
                return store.view.stateHash()
            }
        )
        #expect(different.count == variants.count)
    }

    @Test func `checkpoint and log replay equal a straight run, at every cut`() throws {
        let (entries, hashes): ([Transaction], [[UInt8]]) = Self.entries(60, seed: 2)
        let folder = Folder()
        // One folder, cut by cut: a checkpoint at each third entry, a restart after each.
        var cut: Int = 0
        while cut < 60 {
            let store: Store = try Store.open(folder: folder.path)
            #expect(store.appliedIndex == Revision(cut))
            #expect(store.view.stateHash() == hashes[cut])
            #expect(store.safeToCompactBelow == Revision(cut) + 1)
            cut += 3
            Self.replay(entries, into: store, upTo: cut)
            #expect(try store.checkpoint() == Revision(cut))
            #expect(store.safeToCompactBelow == Revision(cut) + 1)
            let ahead: Int = min(60, cut + 5)
            Self.replay(entries, into: store, upTo: ahead)
            #expect(store.view.stateHash() == hashes[ahead])
        }
        let store: Store = try Store.open(folder: folder.path)
        #expect(
            Content(store.view)
                == {
                    let straight = Store()
                    Self.replay(entries, into: straight, upTo: 60)
                    return Content(straight.view)
                }()
        )
    }

    @Test func `a crash at any step of a checkpoint leaves what can be loaded`() throws {
        let (entries, hashes): ([Transaction], [[UInt8]]) = Self.entries(90, seed: 3)
        let folder = Folder()
        let store: Store = try Store.open(folder: folder.path)
        let copies: Mutex<[(StoreDisk.Step, Folder)]> = Mutex([])
        for last in [30, 60, 90] {
            Self.replay(entries, into: store, upTo: last)
            _ = try store.checkpoint { step in
                let copy: Folder = folder.copy()
                copies.withLock { $0.append((step, copy)) }
            }
        }
        let found: [(StoreDisk.Step, Folder)] = copies.withLock { $0 }
        #expect(found.count == 9)
        for (place, (step, copy)) in found.enumerated() {
            let opened: Store = try Store.open(folder: copy.path)
            let round: Int = (place / 3 + 1) * 30
            let expected: Int = step == .checkpointCommitted ? round : round - 30
            #expect(opened.appliedIndex == Revision(expected), "\(step)")
            #expect(opened.view.stateHash() == hashes[expected])
            Self.replay(entries, into: opened, upTo: 90)
            #expect(opened.view.stateHash() == hashes[90])
            _ = try opened.checkpoint()
            #expect(try Self.history(opened) == Self.history(store), "history is complete and has nothing twice")
        }
    }

    private static func history(_ store: Store) throws -> [HistoryEntry] {
        _ = try store.flushHistory()
        let page: HistoryPage = try #require(store.history).page(from: 1, below: 1_000, limit: .max)
        let audits: [HistoryEntry] = try #require(store.history).audits(limit: 1_000)
        return page.entries.map {
            HistoryEntry(revision: $0.revision, time: 0, actor: "", requestID: "", changes: $0.changes)
        } + audits
    }

    @Test func `a damaged checkpoint is refused with its file and the next step`() throws {
        let (entries, _): ([Transaction], [[UInt8]]) = Self.entries(40, seed: 4)
        let folder = Folder()
        do {
            let store: Store = try Store.open(folder: folder.path)
            Self.replay(entries, into: store, upTo: 40)
            _ = try store.checkpoint()
        }
        let file: String = "\(folder.path)/state.db"
        // A changed row that is well-formed: only the digest can tell.
        let changed: Folder = folder.copy()
        try SQLiteDatabase(path: "\(changed.path)/state.db").execute(
            "DELETE FROM rows WHERE key = (SELECT max(key) FROM rows WHERE kind = 1)"
        )
        #expect(throws: StoreFault.self) { try Store.open(folder: changed.path) }
        let versioned: Folder = folder.copy()
        try SQLiteDatabase(path: "\(versioned.path)/state.db").setUserVersion(99)
        #expect(throws: StoreFault.self) { try Store.open(folder: versioned.path) }
        // Bytes overwritten anywhere: found, or harmless (a free part of a page).
        let hash: [UInt8] = try Store.open(folder: folder.path).view.stateHash()
        let content: [UInt8] = Folder.read(file)
        var random = Seeded(5)
        var refused: Int = 0
        for _ in 0..<25 {
            let copy: Folder = folder.copy()
            var damaged: [UInt8] = content
            let start: Int = Int.random(in: 0..<damaged.count - 64, using: &random)
            for place in start..<start + 64 { damaged[place] = UInt8.random(in: 0...255, using: &random) }
            Folder.write(damaged, "\(copy.path)/state.db")
            do {
                let opened: Store = try Store.open(folder: copy.path)
                #expect(opened.view.stateHash() == hash)
            } catch let fault {
                refused += 1
                #expect(fault.file.hasSuffix("state.db") && !fault.nextStep.isEmpty)
            }
        }
        #expect(refused > 3)
        Folder.write(Array("not a database".utf8), "\(folder.path)/state.db")
        #expect(throws: StoreFault.self) { try Store.open(folder: folder.path) }
    }

    @Test func `the past of a record can be asked for at any revision of history`() throws {
        let (entries, _): ([Transaction], [[UInt8]]) = Self.entries(120, seed: 6)
        let folder = Folder()
        let store: Store = try Store.open(folder: folder.path)
        var views: [StoreView] = [store.view]
        for last in 1...120 {
            Self.replay(entries, into: store, upTo: last)
            views.append(store.view)
        }
        _ = try store.checkpoint()
        try store.cutHistory(below: 41)
        var wrong: [String] = []
        for number in 1...UInt64(12) {
            let key = RecordKey(services, number)
            for revision in stride(from: 40, through: 120, by: 8) {
                let past: Record? = try store.pastRecord(key, at: Revision(revision))
                if past != views[revision].get(key) { wrong.append("\(key) at \(revision)") }
            }
            let known: [HistoryEntry] = try #require(store.history).entries(of: key, limit: 1_000)
            let expected: [Revision] = (41...120).reversed().map { Revision($0) }.filter {
                views[Int($0)].get(key) != views[Int($0) - 1].get(key)
            }
            if known.map(\.revision) != expected { wrong.append("entries of \(key)") }
        }
        #expect(wrong.isEmpty)
        #expect(throws: StoreFault.self) { try store.pastRecord(RecordKey(services, 1), at: 39) }
        #expect(throws: StoreFault.self) { try store.pastRecord(RecordKey(services, 1), at: 121) }
        let audits: [HistoryEntry] = try #require(store.history).audits(limit: 1_000)
        #expect(audits.count > 3 && audits.allSatisfy { $0.revision % 7 == 0 && $0.audit != nil && $0.actor == "1a1" })
        let created: HistoryEntry? = audits.first { $0.audit?.createdResource == 0 }
        #expect(created?.resource != nil)
    }

    @Test func `a watch resumes from history after a restart, and goes on live`() async throws {
        let (entries, _): ([Transaction], [[UInt8]]) = Self.entries(700, seed: 7, hashed: false)
        let folder = Folder()
        let straight = Store()
        let whole: Watch = try straight.watch(from: 1)
        Self.replay(entries, into: straight, upTo: 700)
        let expected: [WatchEvent] = try WatchTests.drain(whole)
        do {
            let store: Store = try Store.open(folder: folder.path)
            Self.replay(entries, into: store, upTo: 650)
            _ = try store.checkpoint()
            // A crash after this: history is ahead of the checkpoint.
            Self.replay(entries, into: store, upTo: 680)
            #expect(try store.flushHistory() == 680)
        }
        let store: Store = try Store.open(folder: folder.path)
        #expect(store.appliedIndex == 650)
        #expect(store.lowestWatchRevision == 1)
        let watch: Watch = try store.watch(from: 2)
        var seen: [WatchEvent] = []
        let before: Revision? = expected.last { $0.revision <= 650 }?.revision
        while seen.last?.revision != before, let event = try await watch.next() { seen.append(event) }
        for _ in 0..<50 {
            #expect(try watch.poll() == nil, "no event is ahead of the state")
            await Task.yield()
        }
        Self.replay(entries, into: store, upTo: 700)
        while seen.last?.revision != expected.last?.revision, let event = try await watch.next() { seen.append(event) }
        #expect(seen == expected.filter { $0.revision >= 2 })
        try store.cutHistory(below: 500)
        #expect(throws: WatchRefusal.belowHorizon(lowest: 500)) { try store.watch(from: 499) }
        #expect(throws: Never.self) { try store.watch(from: 500) }
    }

    @Test func `a snapshot is the state of another member, whose history begins there`() throws {
        let (entries, hashes): ([Transaction], [[UInt8]]) = Self.entries(50, seed: 8)
        let (folder, other): (Folder, Folder) = (Folder(), Folder())
        let store: Store = try Store.open(folder: folder.path)
        Self.replay(entries, into: store, upTo: 40)
        #expect(try store.snapshot(to: "\(other.path)/state.db") == 40)
        let peer: Store = try Store.open(folder: other.path)
        #expect(peer.view.stateHash() == hashes[40])
        #expect(peer.lowestWatchRevision == 41)
        Self.replay(entries, into: peer, upTo: 50)
        #expect(peer.view.stateHash() == hashes[50])
        _ = try peer.checkpoint()
        #expect(peer.safeToCompactBelow == 51)
    }

    @Test func `the log may be cut only below what is checkpointed`() throws {
        let folder = Folder()
        let store: Store = try Store.open(folder: folder.path)
        _ = store.apply(index: 1, transaction([put(1)]))
        #expect(store.safeToCompactBelow == 1)
        #expect(try store.flushHistory() == 1)
        #expect(store.safeToCompactBelow == 1, "history alone is not enough")
        _ = try store.checkpoint()
        #expect(store.safeToCompactBelow == 2)
        store.advance(to: 5)
        #expect(try store.checkpoint() == 5)
        #expect(store.safeToCompactBelow == 6)
        #expect(Store().safeToCompactBelow == 0)
    }

    @Test func `checkpoints run while entries are applied, and hold one revision each`() async throws {
        let (entries, hashes): ([Transaction], [[UInt8]]) = Self.entries(150, seed: 9)
        let folder = Folder()
        let store: Store = try Store.open(folder: folder.path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for last in 1...150 {
                    Self.replay(entries, into: store, upTo: last)
                    await Task.yield()
                }
            }
            group.addTask {
                for _ in 0..<5 {
                    _ = try store.checkpoint()
                    let crashed: Folder = folder.copy()
                    let copy: Store = try Store.open(folder: crashed.path)
                    #expect(copy.view.stateHash() == hashes[Int(copy.appliedIndex)])
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
        _ = try store.checkpoint()
        let copy: Folder = folder.copy()
        #expect(try Store.open(folder: copy.path).view.stateHash() == hashes[150])
    }
}
