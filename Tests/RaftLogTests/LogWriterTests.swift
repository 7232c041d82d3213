import RaftCore
import Synchronization
import Testing

@testable import RaftLog

/// A disk whose flushes wait to be let through, and may fail.
final class GatedLog: LogStorage {
    let gate: Mailbox<Bool>
    let seen: Mailbox<[DiskWrite]>
    private var batch: [DiskWrite] = []

    /// - Parameter gate: true lets a flush pass, false makes it fail.
    init(gate: Mailbox<Bool>, seen: Mailbox<[DiskWrite]>) {
        self.gate = gate
        self.seen = seen
    }

    func contents() -> LogContents {
        LogContents(member: MemberID(1), group: testGroup, baseConfiguration: testConfiguration)
    }

    func write(_ change: DiskWrite) throws(LogFault) { batch.append(change) }

    func flush() throws(LogFault) {
        seen.post(batch)
        batch = []
        guard gate.take() == [true] else { throw .system(operation: "flush", path: "test", code: 5) }
    }

    func compact(through index: LogIndex) throws(LogFault) {}
    func close() throws(LogFault) {}
}

struct LogWriterTests {
    @Test func `while one flush runs the next batch gathers`() throws {
        let gate = Mailbox<Bool>()
        let seen = Mailbox<[DiskWrite]>()
        let done = Mailbox<UInt64>()
        let writer = LogWriter(
            storage: GatedLog(gate: gate, seen: seen),
            completion: { done.post($0.write ?? 0) },
            fatal: { Issue.record("\($0)") }
        )
        writer.submit([.append([entry(1, 1)], write: 1)])
        #expect(seen.take()?.first?.count == 1)
        for write in UInt64(2)...6 { writer.submit([.append([entry(write, 1)], write: write)]) }
        gate.post(true)
        #expect(done.take() == [1])
        #expect(seen.take()?.first?.count == 5)
        gate.post(true)
        // One answer for the whole batch.
        #expect(done.take() == [6])
        writer.stop()
    }

    @Test func `a failed flush is final: nothing is acknowledged and nothing tried again`() throws {
        let gate = Mailbox<Bool>()
        let seen = Mailbox<[DiskWrite]>()
        let faults = Mailbox<LogFault>()
        let done = Mailbox<UInt64>()
        let writer = LogWriter(
            storage: GatedLog(gate: gate, seen: seen),
            completion: { done.post($0.write ?? 0) },
            fatal: { faults.post($0) }
        )
        writer.submit([.append([entry(1, 1)], write: 1)])
        #expect(seen.take()?.count == 1)
        writer.submit([.append([entry(2, 1)], write: 2)])
        gate.post(false)
        #expect(faults.take() == [.system(operation: "flush", path: "test", code: 5)])
        writer.stop()
        seen.close()
        done.close()
        #expect(seen.take() == nil)
        #expect(done.take() == nil)
    }
}
