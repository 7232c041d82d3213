import RaftCore
import TestSupport
import Testing

@testable import RaftLog

/// A torn tail is cut; anything else that cannot be read is refused.
struct DamageTests {
    /// Ten entries, flushed one by one, without the mark of an orderly end.
    private func written(_ folder: Folder, batches: [[LogEntry]]) throws {
        let log: FileLog = try founded(folder)
        for batch in batches {
            try log.write(.append(batch, write: 1))
            try log.flush()
        }
    }

    private static let singles: [[LogEntry]] = (1...10).map { [entry($0, 1, "payload number \($0)")] }

    /// Where each record of the only segment begins.
    private func offsets(_ folder: Folder) throws -> [Int] {
        let name: String = folder.segments[0]
        var reader = try SegmentReader(path: name, bytes: try folder.bytes(name))
        var found: [Int] = []
        while true {
            let offset: Int = reader.offset
            guard reader.next(after: nil) != nil else { return found }
            found.append(offset)
        }
    }

    @Test func `a last record that is torn anywhere is cut`() throws {
        for cut in stride(from: 0, to: 56, by: 8) {
            let folder = Folder()
            try written(folder, batches: Self.singles)
            let last: Int = try #require(offsets(folder).last)
            try folder.overwrite(folder.segments[0], at: last + cut, with: [UInt8](repeating: 0, count: 64 - cut))
            let contents: LogContents = try reopened(folder)
            #expect(contents.entries == Array(Self.singles.joined().prefix(9)), "cut at \(cut)")
            // What was cut is gone for good: the log goes on there.
            let log = try FileLog(opening: folder.path, segmentBytes: 64 * 1024)
            try log.write(.append([entry(10, 2, "again")], write: 1))
            try log.close()
            #expect(
                try FileLog(opening: folder.path, segmentBytes: 64 * 1024).contents().entries.last
                    == entry(10, 2, "again")
            )
        }
    }

    @Test func `a batch that reached the disk in part is cut, though its end is there`() throws {
        let folder = Folder()
        let batch: [LogEntry] = (1...5).map { entry($0, 1, "together \($0)") }
        try written(folder, batches: [batch])
        let second: Int = try offsets(folder)[2]
        try folder.overwrite(folder.segments[0], at: second, with: [UInt8](repeating: 0, count: 40))
        #expect(try reopened(folder).entries == [batch[0]])
    }

    @Test func `a flipped bit before the tail is refused, with file and offset, and nothing is cut`() throws {
        for record in 1...9 {
            let folder = Folder()
            try written(folder, batches: Self.singles)
            let name: String = folder.segments[0]
            let offset: Int = try offsets(folder)[record]
            var byte: UInt8 = try folder.bytes(name)[offset + 42]
            byte ^= 4
            try folder.overwrite(name, at: offset + 42, with: [byte])
            let before: [UInt8] = try folder.bytes(name)
            do {
                _ = try reopened(folder)
                Issue.record("record \(record) was damaged and nobody noticed")
            } catch let fault as LogFault {
                guard case .damaged(let file, let found, _) = fault else {
                    Issue.record("unexpected: \(fault)")
                    return
                }
                #expect(file.hasSuffix(name))
                #expect(found == offset)
                #expect(fault.description.contains("must not vote"))
            }
            #expect(try folder.bytes(name) == before)
        }
    }

    @Test func `zeros in the middle are damage, not the end`() throws {
        let folder = Folder()
        try written(folder, batches: Self.singles)
        try folder.overwrite(folder.segments[0], at: offsets(folder)[4], with: [UInt8](repeating: 0, count: 48))
        #expect(throws: LogFault.self) { try reopened(folder) }
    }

    @Test func `a log that ends below what was committed is refused`() throws {
        let folder = Folder()
        try written(folder, batches: Self.singles)
        let last: Int = try #require(offsets(folder).last)
        try folder.overwrite(folder.segments[0], at: last, with: [1])
        #expect(throws: LogFault.self) { try reopened(folder, knownCommitted: 10) }
        #expect(try reopened(folder, knownCommitted: 9).entries.count == 9)
    }

    @Test func `after an orderly end even the last record may not be missing`() throws {
        let folder = Folder()
        let log: FileLog = try founded(folder)
        try log.write(.append([entry(1, 1), entry(2, 1)], write: 1))
        try log.close()
        try folder.overwrite(folder.segments[0], at: offsets(folder)[2], with: [9])
        #expect(throws: LogFault.self) { try reopened(folder) }
    }

    @Test func `a missing segment is damage`() throws {
        let folder = Folder()
        do {
            let log: FileLog = try founded(folder, segmentBytes: 4 * 1024)
            for index in LogIndex(1)...300 {
                try log.write(.append([entry(index, 1, "payload")], write: index))
                try log.flush()
            }
        }
        #expect(folder.segments.count > 3)
        try Directory(creating: folder.path).remove(folder.segments[1])
        #expect(throws: LogFault.self) { try reopened(folder) }
    }

    @Test func `a member file that is damaged with its copy is refused`() throws {
        let folder = Folder()
        try written(folder, batches: [])
        for name in [MemberFile.name, "member.copy"] { try folder.overwrite(name, at: 20, with: [0xFF]) }
        #expect(throws: LogFault.self) { try reopened(folder) }
    }

    @Test func `random bytes never crash the reader`() throws {
        var random = SeededRandom(seed: 3)
        let folder = Folder()
        try written(folder, batches: Self.singles)
        let name: String = folder.segments[0]
        let good: [UInt8] = Array(try folder.bytes(name).prefix(2_000))
        for _ in 0..<400 {
            var bytes: [UInt8] = good
            for _ in 0...random.below(6) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            bytes.removeLast(random.below(bytes.count))
            var replay = LogReplay(
                LogContents(member: MemberID(1), group: testGroup, baseConfiguration: testConfiguration)
            )
            do { try replay.read(SegmentReader(path: name, bytes: bytes)) } catch {}
        }
    }
}
