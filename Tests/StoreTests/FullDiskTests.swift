import Limits
import StoreFormat
import TestSupport
import Testing

@testable import Store

/// Files that cannot grow are told, waited for and mended; they end nothing (T19).
@Suite(.enabled(if: SmallDisk.isPossible, "only root may mount a small filesystem"), .timeLimit(.minutes(2)))
struct FullDiskTests {
    @Test func `a store on a full disk keeps all in memory, says that it waits, and catches up when there is space`()
        throws
    {
        let disk = try #require(SmallDisk(bytes: 64 << 20))
        let store = try Store.open(folder: "\(disk.path)/state") { Issue.record("the store ended: \($0)") }
        _ = store.apply(index: 1, transaction([put(1)]))
        _ = try store.checkpoint()
        disk.fill()
        #expect(!store.waitsForSpace)
        let document = String(repeating: "x", count: 200)
        var index: Revision = 1
        while index <= UInt64(Limits.historyHeldChanges) / 50 + 10 {
            index += 1
            let writes: [Write] = (1...50).map { put((index % 100) * 50 + $0, document) }
            _ = store.apply(index: index, transaction(writes))
        }
        do {
            _ = try store.checkpoint()
            Issue.record("a checkpoint was written to a full disk")
        } catch {
            #expect(error.isOutOfSpace, "\(error)")
        }
        #expect(store.waitsForSpace, "whoever brings entries is told to wait")
        #expect(store.safeToCompactBelow < index, "the log keeps what is not in the files")
        disk.empty()
        #expect(try store.checkpoint() == index)
        #expect(!store.waitsForSpace)
        #expect(store.diskFault == nil)
        let hash: [UInt8] = store.view.stateHash()
        let again = try Store.open(folder: "\(disk.path)/state")
        #expect(again.view.stateHash() == hash)
    }
}
