import Bytes
import Glibc
import RaftCore
import TestSupport
import Testing

@testable import RaftLog

/// A damaged log is cut before the damage, remembers up to where it was, and keeps the damaged files (T21, T23).
struct SalvageTests {
    private static let segment: Int = 4 * 1024

    /// Two hundred entries over several segments, one flush each.
    private func written(_ folder: Folder, _ count: LogIndex = 200, configuration: Configuration? = nil) throws {
        try FileLog.create(
            in: folder.path,
            member: MemberID(1),
            group: testGroup,
            configuration: configuration ?? testConfiguration,
            segmentBytes: Self.segment
        )
        let log: FileLog = try open(folder)
        for index in 1...count {
            try log.write(.append([entry(index, 1, "payload number \(index)")], write: index))
            try log.flush()
        }
    }

    private func open(_ folder: Folder, knownCommitted: LogIndex = 0) throws -> FileLog {
        try FileLog(opening: folder.path, knownCommitted: knownCommitted, segmentBytes: Self.segment)
    }

    /// Flips a bit in the payload of the record at that place of a segment, and returns its index.
    private func damage(_ folder: Folder, segment: Int, record: Int) throws -> LogIndex {
        let name: String = folder.segments[segment]
        let bytes: [UInt8] = try folder.bytes(name)
        var reader = try SegmentReader(path: name, bytes: bytes)
        for _ in 0..<record { _ = reader.next(after: nil) }
        let offset: Int = reader.offset
        let next: LogRecord? = reader.next(after: nil)
        let found: LogRecord = try #require(next)
        try folder.overwrite(name, at: offset + 42, with: [bytes[offset + 42] ^ 4])
        return found.position.index
    }

    private func salvage(_ folder: Folder, applied: LogIndex = 0, keepsNothing: Bool = false) throws -> SalvagedLog {
        try FileLog.salvage(
            in: folder.path,
            applied: applied,
            keepsNothing: keepsNothing,
            segmentBytes: Self.segment
        )
    }

    private func removeKept(_ folder: Folder) {
        for name in folder.names where name.hasPrefix("damaged-") {
            let inner: String = "\(folder.path)/\(name)"
            for file in (try? Directory(creating: inner).names()) ?? [] { unlink("\(inner)/\(file)") }
            rmdir(inner)
        }
    }

    @Test func `what comes before the damage stays, the rest is known by its end`() throws {
        for (segment, record) in [(0, 1), (0, 5), (1, 1), (1, 20), (2, 3)] {
            let folder = Folder()
            try written(folder)
            defer { removeKept(folder) }
            let lost: LogIndex = try damage(folder, segment: segment, record: record)
            #expect(throws: LogFault.self) { try open(folder) }
            let salvaged: SalvagedLog = try salvage(folder)
            #expect(salvaged.end == lost - 1, "segment \(segment), record \(record)")
            #expect(salvaged.mending == 200)
            let log: FileLog = try open(folder)
            #expect(log.mending == 200)
            #expect(log.contents().entries.map(\.index) == (lost > 1 ? Array(1...(lost - 1)) : []))
            // It goes on from there, and a restart in the middle of it remembers.
            try log.write(.append([entry(lost, 1, "again")], write: 1))
            try log.close()
            let again: LogContents = try open(folder).contents()
            #expect(again.mending == 200 && again.entries.last == entry(lost, 1, "again"))
            #expect(folder.names.contains("damaged-1"))
        }
    }

    @Test func `a segment whose head cannot be read is damage, too, also the first`() throws {
        for segment in [0, 1] {
            let folder = Folder()
            try written(folder)
            defer { removeKept(folder) }
            try folder.overwrite(folder.segments[segment], at: 9, with: [77])
            let salvaged: SalvagedLog = try salvage(folder)
            #expect(salvaged.mending == 200, "the segments behind it say so")
            #expect(segment == 1 ? salvaged.end > 0 : salvaged.end == 0)
            #expect(try open(folder).contents().last.index == salvaged.end)
        }
    }

    @Test func `when the log is whole again it is forgotten that it was not`() throws {
        let folder = Folder()
        try written(folder)
        defer { removeKept(folder) }
        _ = try damage(folder, segment: 1, record: 4)
        _ = try salvage(folder)
        let log: FileLog = try open(folder)
        try log.finishMending()
        try log.close()
        #expect(try open(folder).mending == nil)
    }

    @Test func `a second damage does not lower what is to be fetched`() throws {
        let folder = Folder()
        try written(folder)
        defer { removeKept(folder) }
        _ = try damage(folder, segment: 1, record: 9)
        _ = try salvage(folder)
        _ = try damage(folder, segment: 0, record: 3)
        #expect(try salvage(folder).mending == 200)
    }

    @Test func `a state that is beyond the damage wants everything anew`() throws {
        let folder = Folder()
        try written(folder)
        defer { removeKept(folder) }
        let lost: LogIndex = try damage(folder, segment: 0, record: 7)
        #expect(try salvage(folder, applied: 60).end == lost - 1)
        #expect(throws: LogFault.self) { try open(folder, knownCommitted: 60) }
        let salvaged: SalvagedLog = try salvage(folder, applied: 220, keepsNothing: true)
        #expect(salvaged.end == 0 && salvaged.mending == 220)
        let contents: LogContents = try open(folder).contents()
        #expect(contents.entries.isEmpty && contents.base == .start && contents.baseConfiguration == testConfiguration)
    }

    @Test func `a member without others is refused as before, and nothing is touched`() throws {
        let folder = Folder()
        try written(folder, configuration: Configuration(voters: [MemberID(1)]))
        _ = try damage(folder, segment: 1, record: 4)
        let before: [String] = folder.names
        #expect(throws: LogFault.self) { try salvage(folder) }
        #expect(folder.names == before)
    }

    @Test func `of the ballot there are two copies, and either is enough`() throws {
        for name in ["member", "member.copy"] {
            let folder = Folder()
            try written(folder, 3)
            let log: FileLog = try open(folder)
            try log.write(.ballot(Ballot(term: 9, vote: MemberID(3))))
            try log.close()
            try folder.overwrite(name, at: 30, with: [0xEE])
            #expect(try open(folder).contents().ballot == Ballot(term: 9, vote: MemberID(3)), "\(name)")
            // Mended by reading it.
            #expect(try folder.bytes("member") == folder.bytes("member.copy") || name == "member.copy")
        }
        let folder = Folder()
        try written(folder, 3)
        let log: FileLog = try open(folder)
        try log.write(.ballot(Ballot(term: 9, vote: MemberID(3))))
        try log.close()
        for name in ["member", "member.copy"] { try folder.overwrite(name, at: 30, with: [0xEE]) }
        #expect(throws: LogFault.self, "a vote that is forgotten could be given twice") { try open(folder) }
    }

    @Test func `a record of a kind that a later version wrote is neither cut nor damage`() throws {
        let folder = Folder()
        try written(folder, 5)
        let name: String = folder.segments[0]
        var bytes: [UInt8] = try folder.bytes(name)
        var reader = try SegmentReader(path: name, bytes: bytes)
        var last: Int = 0
        while true {
            let offset: Int = reader.offset
            guard reader.next(after: nil) != nil else { break }
            last = offset
        }
        // The last record as another kind, with its checksum.
        let length = Int(bytes[last]) | Int(bytes[last + 1]) << 8
        bytes[last + 12] = 99
        let head = try SegmentHead(decoding: bytes, path: name)
        let checksum: UInt32 = CRC32C.checksum(
            bytes[(last + 8)..<(last + LogRecord.headBytes + length)],
            continuing: head.salt
        )
        for place in 0..<4 { bytes[last + 4 + place] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * place)) }
        try folder.overwrite(name, at: 0, with: bytes)
        do throws(LogFault) {
            _ = try FileLog(opening: folder.path, segmentBytes: Self.segment)
            Issue.record("it was opened, and the entry lost")
        } catch {
            guard case .unknownFormat(_, let found) = error else {
                Issue.record("unexpected: \(error)")
                return
            }
            #expect(found.contains("kind 99"))
        }
        #expect(try folder.bytes(name) == bytes, "nothing was cut")
    }
}
