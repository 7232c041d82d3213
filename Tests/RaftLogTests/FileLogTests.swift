import Glibc
import RaftCore
import Synchronization
import TestSupport
import Testing

@testable import RaftLog

struct FileLogTests {
    @Test func `a second opener is told which process holds the folder`() throws {
        let folder = Folder()
        let log: FileLog = try founded(folder)
        do {
            _ = try FileLog(opening: folder.path)
            Issue.record("two at once")
        } catch {
            #expect(error == .inUse(directory: folder.path, process: "\(getpid())"))
            #expect("\(error)".contains("is in use by process \(getpid())"))
        }
        try log.close()
    }

    @Test func `a folder is founded once, and an empty one is not a member`() throws {
        let folder = Folder()
        #expect(throws: LogFault.missing(directory: folder.path)) { try FileLog(opening: folder.path) }
        _ = try founded(folder)
        #expect(throws: LogFault.exists(directory: folder.path)) { try founded(folder) }
    }

    @Test func `segments are filled ahead, change when full and go when they are not needed`() throws {
        let folder = Folder()
        let log: FileLog = try founded(folder, segmentBytes: 4 * 1024)
        #expect(try folder.bytes(folder.segments[0]).count == 4 * 1024)
        for index in LogIndex(1)...300 {
            try log.write(.append([entry(index, 1, "payload")], write: index))
            try log.flush()
        }
        let count: Int = folder.segments.count
        #expect(count > 3)
        try log.compact(through: 200)
        #expect(folder.segments.count < count)
        try log.compact(through: 300)
        #expect(folder.segments.count == 1)
        try log.close()
    }

    @Test func `an entry larger than a segment gets one of its size`() throws {
        let folder = Folder()
        let log: FileLog = try founded(folder, segmentBytes: 4 * 1024)
        let large = LogEntry(index: 1, term: 1, kind: .data, payload: [UInt8](repeating: 5, count: 20_000))
        try log.write(.append([large, entry(2, 1)], write: 1))
        try log.close()
        #expect(try reopened(folder).entries == [large, entry(2, 1)])
    }

    @Test func `records keep their shape`() throws {
        var writer = RecordBytes()
        let checksum: UInt32 = writer.write(
            LogRecord(
                .entry(.data),
                version: 1,
                position: LogPosition(index: 7, term: 3),
                payload: [1, 2, 3],
                flushed: 64,
                previous: 0xAABB_CCDD
            )
        )
        // Settled: a change here is a change of the disk format.
        #expect(
            writer.hex == "03000000" + RecordBytes.littleEndian(checksum) + "ddccbbaa" + "02010000"
                + "0700000000000000" + "0300000000000000" + "40000000" + "00000000" + "0102030000000000"
        )
    }
}
