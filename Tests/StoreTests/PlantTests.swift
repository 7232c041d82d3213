import Glibc
import Limits
import StoreFormat
import TestSupport
import Testing

@testable import Store

/// States that begin far above what a snapshot holds.
struct PlantTests {
    @Test func `a planted state holds the same records at a later revision, and no sessions`() throws {
        let (source, target): (Folder, Folder) = (Folder(), Folder())
        let store: Store = try Store.open(folder: source.path)
        let (entries, _) = DiskTests.entries(60, seed: 5)
        DiskTests.replay(entries, into: store, upTo: 60)
        _ = store.apply(
            index: 61,
            Transaction(time: 1, actor: "test", requestID: "open", writes: [.openSession(nonce: 7)])
        )
        #expect(store.view.sessionCount == 1)
        let snapshot: String = "\(source.path)/backup"
        #expect(try store.snapshot(to: snapshot) == 61)
        let read: StoreView = try Store.read(snapshot: snapshot)
        #expect(read.revision == 61 && read.stateHash() == store.view.stateHash())

        let base: Revision = 61 + Limits.rebirthRevisions
        let folder: String = target.path
        try Store.plant(read, in: folder, at: base)
        let planted: Store = try Store.open(folder: folder)
        #expect(planted.appliedIndex == base && planted.view.sessionCount == 0)
        #expect(planted.view.nextNumber == store.view.nextNumber)
        var kept: Int = 0
        for table: UInt16 in 0..<64 {
            for record in store.view.records(in: Table(rawValue: table)) {
                #expect(planted.view.get(record.key) == record)
                kept += 1
            }
        }
        #expect(kept > 0 && planted.view.recordCount == store.view.recordCount)
    }

    @Test func `below a planted state watches are told the lowest usable revision`() throws {
        let (source, target): (Folder, Folder) = (Folder(), Folder())
        let store: Store = try Store.open(folder: source.path)
        let (entries, _) = DiskTests.entries(20, seed: 6)
        DiskTests.replay(entries, into: store, upTo: 20)
        let snapshot: String = "\(source.path)/backup"
        _ = try store.snapshot(to: snapshot)
        try Store.plant(try Store.read(snapshot: snapshot), in: target.path, at: 1_020)
        let planted: Store = try Store.open(folder: target.path)
        for old: Revision in [1, 20, 21, 1_020] {
            #expect(throws: WatchRefusal.belowHorizon(lowest: 1_021)) { _ = try planted.watch(from: old) }
        }
        _ = try planted.watch(from: 1_021)
    }

    @Test func `a snapshot that is not there, or was cut, is refused`() throws {
        let source: Folder = Folder()
        let store: Store = try Store.open(folder: source.path)
        let (entries, _) = DiskTests.entries(20, seed: 7)
        DiskTests.replay(entries, into: store, upTo: 20)
        let snapshot: String = "\(source.path)/backup"
        #expect(throws: StoreFault.self) { _ = try Store.read(snapshot: snapshot) }
        _ = try store.snapshot(to: snapshot)
        let bytes: [UInt8] = Folder.read(snapshot)
        Folder.write(Array(bytes[..<(bytes.count / 2)]), snapshot)
        #expect(throws: StoreFault.self) { _ = try Store.read(snapshot: snapshot) }
    }

    @Test func `a rehearsed restore proves the state and leaves nothing behind`() throws {
        let (source, scratch): (Folder, Folder) = (Folder(), Folder())
        let store: Store = try Store.open(folder: source.path)
        let (entries, hashes) = DiskTests.entries(40, seed: 8)
        DiskTests.replay(entries, into: store, upTo: 40)
        #expect(try store.rehearseRestore(in: scratch.path) == 40)
        #expect(store.view.stateHash() == hashes[40] && rmdir(scratch.path) == 0, "something was left")
    }
}
