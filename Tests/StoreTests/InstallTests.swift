import Glibc
import SQLite
import StoreFormat
import Synchronization
import TestSupport
import Testing

@testable import Store

/// A snapshot takes the place of everything, while the store runs.
struct InstallTests {
    /// Two members with the same entries: one that is ahead and makes the snapshot, one that gets it.
    struct Pair {
        var entries: [Transaction]
        var hashes: [[UInt8]]
        var views: [StoreView] = []
        let folder: Folder
        let other: Folder
        let store: Store

        var snapshot: String { "\(other.path)/sent.db" }

        /// This member has applied `behind` entries, and the snapshot is at `ahead`.
        init(seed: UInt64, behind: Int, ahead: Int, of count: Int, checkpointed: Int? = nil) throws {
            (entries, hashes) = DiskTests.entries(count, seed: seed)
            (folder, other) = (Folder(), Folder())
            store = try Store.open(folder: folder.path)
            if let checkpointed {
                DiskTests.replay(entries, into: store, upTo: checkpointed)
                _ = try store.checkpoint()
            }
            DiskTests.replay(entries, into: store, upTo: behind)
            let peerFolder: Folder = Folder()
            let peer: Store = try Store.open(folder: peerFolder.path)
            DiskTests.replay(entries, into: peer, upTo: ahead)
            #expect(try peer.snapshot(to: snapshot) == Revision(ahead))
            let straight = Store()
            views.append(straight.view)
            for last in 1...count {
                DiskTests.replay(entries, into: straight, upTo: last)
                views.append(straight.view)
            }
        }
    }

    @Test func `the state is the other member's, and the log goes on behind it`() throws {
        let pair: Pair = try Pair(seed: 11, behind: 30, ahead: 70, of: 90, checkpointed: 20)
        let before: StoreView = pair.store.view
        #expect(try pair.store.install(snapshot: pair.snapshot) == 70)
        #expect(pair.store.appliedIndex == 70)
        #expect(pair.store.view.stateHash() == pair.hashes[70])
        #expect(Content(pair.store.view) == Content(pair.views[70]))
        #expect(before.revision == 30 && before.stateHash() == pair.hashes[30], "a view stays as it was")
        #expect(pair.store.safeToCompactBelow == 71)
        DiskTests.replay(pair.entries, into: pair.store, upTo: 85)
        #expect(try pair.store.checkpoint() == 85)
        let copy: Folder = pair.folder.copy()
        let reopened: Store = try Store.open(folder: copy.path)
        #expect(reopened.view.stateHash() == pair.hashes[85])
        DiskTests.replay(pair.entries, into: pair.store, upTo: 90)
        #expect(pair.store.view.stateHash() == pair.hashes[90])
        #expect(pair.store.diskFault == nil)
    }

    @Test func `history says that it begins anew, and is right from there on`() throws {
        let pair: Pair = try Pair(seed: 12, behind: 40, ahead: 60, of: 100)
        let store: Store = pair.store
        _ = try store.flushHistory()
        try store.install(snapshot: pair.snapshot)
        DiskTests.replay(pair.entries, into: store, upTo: 100)
        #expect(store.lowestWatchRevision == 61)
        #expect(throws: WatchRefusal.belowHorizon(lowest: 61)) { try store.watch(from: 60) }
        #expect(throws: StoreFault.self) { try store.pastRecord(RecordKey(services, 1), at: 59) }
        var wrong: [String] = []
        var changedInTheGap: Int = 0
        for number in 1...UInt64(40) {
            for table in [services, stacks] {
                let key = RecordKey(table, number)
                if pair.views[40].get(key) != pair.views[60].get(key) { changedInTheGap += 1 }
                for revision in stride(from: 60, through: 100, by: 5)
                where try store.pastRecord(key, at: Revision(revision)) != pair.views[revision].get(key) {
                    wrong.append("\(key) at \(revision)")
                }
            }
        }
        #expect(wrong.isEmpty)
        #expect(changedInTheGap > 10)
        let history: HistoryReader = try #require(store.history)
        #expect(try history.floor() == 61)
        let kept: [HistoryEntry] = try history.audits(limit: 1_000)
        #expect(kept.contains { $0.revision <= 40 }, "what was written before is not thrown away")
        #expect(!kept.contains { (41...60).contains($0.revision) })
    }

    @Test func `watches end with a reason of their own, and new ones go on without a gap`() async throws {
        let pair: Pair = try Pair(seed: 13, behind: 30, ahead: 50, of: 80)
        let store: Store = pair.store
        // One that has something left to read, one that waits, one that was never read, one of the future.
        let behind: Watch = try store.watch(from: 1)
        let live: Watch = try store.watch(from: 31)
        let fresh: Watch = try store.watch(from: 5)
        let future: Watch = try store.watch(from: 500)
        #expect(try live.poll() == nil)
        let first: WatchEvent = try #require(try behind.poll())
        let waiting = Task { () -> WatchEnded? in
            do throws(WatchEnded) {
                _ = try await live.next()
                return nil
            } catch {
                return error
            }
        }
        try store.install(snapshot: pair.snapshot)
        #expect(await waiting.value == WatchEnded.storeReplaced(revision: 50))
        for watch in [behind, fresh, future] {
            var last: Revision = watch === behind ? first.revision : 0
            #expect(throws: WatchEnded.storeReplaced(revision: 50)) {
                while let event = try watch.poll() {
                    #expect(event.revision > last && event.revision <= 30)
                    last = event.revision
                }
            }
        }
        let next: Watch = try store.watch(from: store.view.revision + 1)
        DiskTests.replay(pair.entries, into: store, upTo: 80)
        let straight = Store()
        let whole: Watch = try straight.watch(from: 51)
        DiskTests.replay(pair.entries, into: straight, upTo: 80)
        #expect(try WatchTests.drain(next) == WatchTests.drain(whole))
    }

    @Test func `a crash at any step leaves the old state or the new one, whole`() throws {
        let pair: Pair = try Pair(seed: 14, behind: 45, ahead: 75, of: 100, checkpointed: 30)
        let copies: Mutex<[(StoreDisk.Step, Folder)]> = Mutex([])
        try pair.store.install(snapshot: pair.snapshot) { step in
            let copy: Folder = pair.folder.copy()
            copies.withLock { $0.append((step, copy)) }
        }
        let found: [(StoreDisk.Step, Folder)] = copies.withLock { $0 }
        #expect(
            found.map(\.0) == [
                .historyFlushed, .snapshotCopied, .checkpointClosed, .snapshotRenamed, .folderFlushed, .historyBegun,
            ]
        )
        for (place, (step, copy)) in found.enumerated() {
            let opened: Store = try Store.open(folder: copy.path)
            let expected: Int = place < 3 ? 30 : 75
            #expect(opened.appliedIndex == Revision(expected), "\(step)")
            #expect(opened.view.stateHash() == pair.hashes[expected])
            #expect(opened.lowestWatchRevision == (place < 3 ? 1 : 76), "\(step)")
            #expect(access("\(copy.path)/\(StoreDisk.incoming)", F_OK) != 0, "what was left half-way is cleared away")
            DiskTests.replay(pair.entries, into: opened, upTo: 100)
            #expect(try opened.checkpoint() == 100)
            #expect(opened.view.stateHash() == pair.hashes[100])
        }
    }

    @Test func `a snapshot that is not newer is refused, and nothing changes`() throws {
        for behind in [50, 60] {
            let pair: Pair = try Pair(seed: 15, behind: behind, ahead: 50, of: 70)
            let watch: Watch = try pair.store.watch(from: Revision(behind) + 1)
            #expect(throws: StoreFault.self) { try pair.store.install(snapshot: pair.snapshot) }
            #expect(pair.store.view.stateHash() == pair.hashes[behind])
            #expect(pair.store.diskFault == nil)
            #expect(try watch.poll() == nil)
            DiskTests.replay(pair.entries, into: pair.store, upTo: 70)
            #expect(try pair.store.checkpoint() == 70)
        }
    }

    @Test func `a damaged or foreign snapshot is refused before anything is touched`() throws {
        let pair: Pair = try Pair(seed: 16, behind: 20, ahead: 60, of: 60, checkpointed: 10)
        let content: [UInt8] = Folder.read(pair.snapshot)
        let place: String = "\(pair.other.path)/bad.db"
        func isRefused() throws -> Bool {
            do {
                try pair.store.install(snapshot: place)
                return false
            } catch let fault {
                #expect(fault.file == place && !fault.nextStep.isEmpty)
                #expect(pair.store.view.stateHash() == pair.hashes[20])
                #expect(pair.store.diskFault == nil)
                #expect(access("\(pair.folder.path)/\(StoreDisk.incoming)", F_OK) != 0)
                return true
            }
        }
        #expect(try isRefused(), "there is no such file")
        Folder.write(Array("not a database at all".utf8), place)
        #expect(try isRefused())
        Folder.write(Array(content.prefix(content.count / 2)), place)
        #expect(try isRefused())
        for change in [
            "DELETE FROM rows WHERE key = (SELECT max(key) FROM rows WHERE kind = 1)", "DELETE FROM head",
            "UPDATE head SET next_number = next_number + 1", "DROP TABLE head", "PRAGMA user_version = 0",
            "PRAGMA user_version = 99", "UPDATE rows SET value = x'00' WHERE kind = 1",
        ] {
            Folder.write(content, place)
            try SQLiteDatabase(path: place).execute(change)
            #expect(try isRefused(), "\(change)")
        }
        var random = Seeded(17)
        var refused: Int = 0
        for _ in 0..<25 {
            var damaged: [UInt8] = content
            let start: Int = Int.random(in: 0..<damaged.count - 64, using: &random)
            for byte in start..<start + 64 { damaged[byte] = UInt8.random(in: 0...255, using: &random) }
            Folder.write(damaged, place)
            guard try isRefused() else { break }
            refused += 1
        }
        #expect(refused > 0 || pair.store.appliedIndex == 60)
        if pair.store.appliedIndex == 20 {
            #expect(try pair.store.checkpoint() == 20)
            try pair.store.install(snapshot: pair.snapshot)
        }
        #expect(pair.store.view.stateHash() == pair.hashes[60])
    }

    @Test func `a disk that fails half-way leaves memory as it was, and asks for a restart`() throws {
        let pair: Pair = try Pair(seed: 22, behind: 20, ahead: 60, of: 70, checkpointed: 10)
        let state: String = "\(pair.folder.path)/state.db"
        #expect(throws: StoreFault.self) {
            try pair.store.install(snapshot: pair.snapshot) { step in
                // The rename finds a folder where the file was.
                guard case .checkpointClosed = step else { return }
                rename(state, state + ".old")
                mkdir(state, 0o700)
            }
        }
        #expect(pair.store.mustRestart && pair.store.diskFault != nil)
        #expect(pair.store.view.stateHash() == pair.hashes[20])
        DiskTests.replay(pair.entries, into: pair.store, upTo: 30)
        #expect(pair.store.view.stateHash() == pair.hashes[30])
        #expect(throws: StoreFault.self) { try pair.store.checkpoint() }
        #expect(throws: StoreFault.self) { try pair.store.install(snapshot: pair.snapshot) }
        #expect(pair.store.safeToCompactBelow == 11)
        rmdir(state)
        rename(state + ".old", state)
        let opened: Store = try Store.open(folder: pair.folder.path)
        #expect(opened.view.stateHash() == pair.hashes[10])
        #expect(!opened.mustRestart)
    }

    @Test func `history that is ahead of the state has no gap`() throws {
        let (entries, hashes): ([Transaction], [[UInt8]]) = DiskTests.entries(80, seed: 18)
        let pair: Pair = try Pair(seed: 18, behind: 70, ahead: 60, of: 80, checkpointed: 40)
        _ = try pair.store.flushHistory()
        // As after a crash: the checkpoint is at 40, history goes up to 70.
        let crashed: Folder = pair.folder.copy()
        let store: Store = try Store.open(folder: crashed.path)
        #expect(store.appliedIndex == 40)
        try store.install(snapshot: pair.snapshot)
        #expect(store.view.stateHash() == hashes[60])
        #expect(store.lowestWatchRevision == 1)
        DiskTests.replay(entries, into: store, upTo: 80)
        #expect(try store.flushHistory() == 80)
        let pages: HistoryPage = try #require(store.history).page(from: 1, below: 1_000, limit: .max)
        let revisions: [Revision] = pages.entries.map(\.revision)
        #expect(revisions == revisions.sorted() && Set(revisions).count == revisions.count)
        #expect(revisions.contains { (61...70).contains($0) } && revisions.contains { $0 > 70 })
    }

    @Test func `one snapshot after another, with checkpoints in between`() throws {
        let (entries, hashes): ([Transaction], [[UInt8]]) = DiskTests.entries(120, seed: 19)
        let (folder, other): (Folder, Folder) = (Folder(), Folder())
        let (store, peer): (Store, Store) = (try Store.open(folder: folder.path), try Store.open(folder: other.path))
        for last in stride(from: 20, through: 120, by: 20) {
            DiskTests.replay(entries, into: peer, upTo: last - 5)
            _ = try peer.snapshot(to: "\(other.path)/sent.db")
            try store.install(snapshot: "\(other.path)/sent.db")
            DiskTests.replay(entries, into: store, upTo: last)
            if last % 40 == 0 { #expect(try store.checkpoint() == Revision(last)) }
            #expect(store.view.stateHash() == hashes[last])
        }
        let copy: Folder = folder.copy()
        let reopened: Store = try Store.open(folder: copy.path)
        #expect(reopened.view.stateHash() == hashes[120])
    }

    @Test func `a store without files takes one, too`() throws {
        let pair: Pair = try Pair(seed: 20, behind: 1, ahead: 40, of: 50)
        let store = Store()
        let watch: Watch = try store.watch(from: 1)
        try store.install(snapshot: pair.snapshot)
        #expect(throws: WatchEnded.storeReplaced(revision: 40)) { try watch.poll() }
        DiskTests.replay(pair.entries, into: store, upTo: 50)
        #expect(store.view.stateHash() == pair.hashes[50])
        #expect(throws: StoreFault.self) { try store.install(snapshot: pair.snapshot) }
    }

    @Test func `who waits for scopes hears of assignments and snapshots, once however many there were`() async throws {
        let pair: Pair = try Pair(seed: 21, behind: 1, ahead: 40, of: 50)
        let store = Store()
        var changes: AsyncStream<Void>.AsyncIterator = store.scopeChanges().makeAsyncIterator()
        #expect(await changes.next() != nil, "the first word comes by itself")
        for index in 1...5 {
            _ = store.apply(index: Revision(index), transaction([.assignScope(scope: .known(5), node: "a")]))
        }
        #expect(await changes.next() != nil)
        #expect(store.view.epoch(5)?.epoch == 5)
        try store.install(snapshot: pair.snapshot)
        #expect(await changes.next() != nil)
        // What assigns nothing is not told: the stream ends without another word.
        _ = store.apply(index: 41, transaction([put(9)]))
        _ = store.apply(
            index: 42,
            transaction([.assignScope(scope: .known(5), node: "b")], if: [.epoch(scope: 5, 99)])
        )
        store.closeWatches()
        #expect(await changes.next() == nil)
        var late: AsyncStream<Void>.AsyncIterator = store.scopeChanges().makeAsyncIterator()
        #expect(await late.next() != nil)
        #expect(await late.next() == nil)
    }

    @Test func `what cannot be written any longer ends by the error path, and says so once`() throws {
        let folder = Folder()
        let faults: Mutex<[StoreFault]> = Mutex([])
        let store: Store = try Store.open(folder: folder.path) { fault in faults.withLock { $0.append(fault) } }
        _ = store.apply(index: 1, transaction([put(1)]))
        store.relieve(.full)
        #expect(faults.withLock { $0.isEmpty })
        try SQLiteDatabase(path: "\(folder.path)/history.db").execute("DROP TABLE entries")
        _ = store.apply(index: 2, transaction([put(2)]))
        store.relieve(.full)
        store.relieve(.full)
        #expect(faults.withLock { $0.count } == 1)
        #expect(faults.withLock { $0.first?.file.hasSuffix("history.db") } == true)
    }
}
