import RaftCore
import TestSupport
import Testing

@testable import RaftLog

/// A full disk makes a log wait; it never makes it lose something, lie or end (T19).
@Suite(.enabled(if: SmallDisk.isPossible, "only root may mount a small filesystem"), .timeLimit(.minutes(1)))
struct FullDiskTests {
    private static let segment: Int = 64 * 1024

    /// A log on a small disk, and what its writer says.
    private final class Rig {
        let disk: SmallDisk
        let folder: String
        let stalled = Mailbox<Bool>()
        let acknowledged = Mailbox<UInt64>()
        let faults = Mailbox<LogFault>()
        let ballots = Mailbox<Ballot>()
        var writer: LogWriter
        private var written: UInt64 = 0

        init() throws {
            disk = try #require(SmallDisk(bytes: 2 << 20))
            folder = "\(disk.path)/log"
            try FileLog.create(
                in: folder,
                member: MemberID(1),
                group: testGroup,
                configuration: testConfiguration,
                segmentBytes: segment
            )
            let (stalled, acknowledged, faults, ballots) = (stalled, acknowledged, faults, ballots)
            writer = LogWriter(
                storage: try FileLog(opening: folder, segmentBytes: segment),
                stalled: { stalled.post($0) },
                completion: { done in
                    if let write = done.write { acknowledged.post(write) }
                    if let ballot = done.ballot { ballots.post(ballot) }
                },
                fatal: { faults.post($0) }
            )
        }

        /// Appends entries of 4 KiB, one a write, and returns the number of the last.
        @discardableResult
        func append(_ count: UInt64) -> UInt64 {
            for _ in 0..<count {
                written += 1
                writer.submit([
                    .append([entry(written, 1, String(repeating: "x", count: 4_096))], write: written)
                ])
            }
            return written
        }

        /// Until that write is acknowledged.
        func await(_ write: UInt64) {
            var reached: UInt64 = 0
            while reached < write { reached = acknowledged.take()?.last ?? .max }
        }

        /// Appends entry after entry, each when the one before is acknowledged, until the writer waits for space.
        ///
        /// - Returns: the greatest that is acknowledged, the one that is not among those left out.
        func appendUntilStalled() -> UInt64 {
            var held: UInt64 = 0
            while written < 1_000 {
                let next: UInt64 = append(1)
                while held < next {
                    held = max(held, acknowledged.take(until: MonotonicTime.now + 2_000_000)?.last ?? 0)
                    if stalled.take(until: MonotonicTime.now) == [true] { return held }
                }
            }
            return held
        }

        /// The greatest acknowledged so far.
        func acknowledgedNow(_ before: UInt64 = 0) -> UInt64 {
            max(before, acknowledged.take(until: MonotonicTime.now)?.last ?? 0)
        }

        func reopened() throws -> LogContents { try FileLog(opening: folder, segmentBytes: segment).contents() }
    }

    @Test func `on a full disk the log goes on in its reserve, then waits, and goes on when there is space`() throws {
        let rig = try Rig()
        rig.await(rig.append(4))
        rig.disk.fill()
        // One by one: a batch that does not fit as a whole waits as a whole.
        let held: UInt64 = rig.appendUntilStalled()
        #expect(held >= 2 * 64 / 5, "the reserve has held some: \(held)")
        #expect(held < 200)
        let last: UInt64 = rig.append(100)
        #expect(rig.acknowledgedNow() <= held)
        rig.disk.empty()
        rig.await(last)
        #expect(rig.stalled.take() == [false])
        rig.writer.stop()
        #expect(rig.faults.take(until: 0) == [])
        #expect(try rig.reopened().entries.map(\.index) == Array(1...last))
    }

    @Test func `giving back old segments is enough for a log that waits`() throws {
        let rig = try Rig()
        rig.await(rig.append(60))
        rig.disk.fill()
        let last: UInt64 = rig.append(60)
        #expect(rig.stalled.take() == [true])
        rig.writer.compact(through: 55)
        #expect(rig.stalled.take() == [false])
        rig.writer.stop()
        #expect(try rig.reopened().entries.last?.index ?? 0 > 60)
        _ = last
    }

    @Test func `a member that stops while its disk is full has all that it acknowledged, and no more is pretended`()
        throws
    {
        let rig = try Rig()
        rig.await(rig.append(4))
        rig.disk.fill()
        rig.append(200)
        #expect(rig.stalled.take() == [true])
        let held: UInt64 = rig.acknowledgedNow()
        rig.writer.stop()
        #expect(rig.faults.take(until: 0) == [], "nothing failed: it only waited")
        // Also while the disk is full it can be opened.
        let there: LogContents = try rig.reopened()
        #expect(there.last.index >= held)
        #expect(there.entries.map(\.index) == Array(1...there.last.index))
    }

    @Test func `a ballot waits for space, too, and is then on the disk`() throws {
        let rig = try Rig()
        rig.disk.fill()
        rig.writer.submit([.ballot(Ballot(term: 7, vote: MemberID(2)))])
        #expect(rig.stalled.take() == [true])
        #expect(rig.ballots.take(until: MonotonicTime.now) == [])
        rig.disk.empty()
        #expect(rig.ballots.take() == [Ballot(term: 7, vote: MemberID(2))])
        rig.writer.stop()
        #expect(try rig.reopened().ballot == Ballot(term: 7, vote: MemberID(2)))
    }

    @Test func `what lies behind the log can hold it back`() throws {
        let rig = try Rig()
        rig.writer.stop()
        let holds = Mailbox<Bool>()
        let asked = Mailbox<Bool>()
        let done = rig.acknowledged
        let writer = LogWriter(
            storage: try FileLog(opening: rig.folder, segmentBytes: Self.segment),
            // Holds until it is told otherwise.
            holds: {
                asked.post(true)
                return holds.take(until: MonotonicTime.now)?.isEmpty ?? true
            },
            completion: { if let write = $0.write { done.post(write) } },
            fatal: { Issue.record("\($0)") }
        )
        writer.submit([.append([entry(1, 1)], write: 1)])
        _ = asked.take()
        _ = asked.take()
        #expect(done.take(until: MonotonicTime.now) == [])
        holds.post(true)
        #expect(done.take() == [1])
        holds.close()
        writer.stop()
    }
}
