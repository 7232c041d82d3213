import RaftCore
import TestSupport
import Testing

@testable import RaftLog

/// What every storage of a log must do, the real one and the simulator's alike.
struct LogStorageContract {
    enum Kind: String, CaseIterable, Sendable { case file, memory }

    /// A storage that can be closed and opened again.
    final class Subject {
        private let folder = Folder()
        private let kind: Kind
        private let memory = MemoryLog(member: MemberID(1), group: testGroup, configuration: testConfiguration)
        private(set) var storage: any LogStorage

        init(_ kind: Kind) throws {
            self.kind = kind
            storage = kind == .memory ? memory : try founded(folder, segmentBytes: 4 * 1024)
        }

        func reopen() throws -> LogContents {
            try storage.close()
            storage = memory
            if kind == .file { storage = try FileLog(opening: folder.path, segmentBytes: 4 * 1024) }
            return storage.contents()
        }
    }

    @Test(arguments: Kind.allCases)
    func `a new one is empty and knows who it is`(_ kind: Kind) throws {
        let contents: LogContents = try Subject(kind).storage.contents()
        let expected = LogContents(member: MemberID(1), group: testGroup, baseConfiguration: testConfiguration)
        #expect(contents == expected)
    }

    @Test(arguments: Kind.allCases)
    func `what was flushed is there again, in order`(_ kind: Kind) throws {
        let subject = try Subject(kind)
        let entries: [LogEntry] = (1...200).map { entry($0, 1 + $0 / 50, "payload \($0)") }
        for batch in stride(from: 0, to: 200, by: 40) {
            try subject.storage.write(.append(Array(entries[batch..<batch + 40]), write: UInt64(batch)))
            try subject.storage.flush()
        }
        #expect(try subject.reopen().entries == entries)
    }

    @Test(arguments: Kind.allCases)
    func `the ballot is kept, the newest wins`(_ kind: Kind) throws {
        let subject = try Subject(kind)
        try subject.storage.write(.ballot(Ballot(term: 3)))
        try subject.storage.write(.ballot(Ballot(term: 3, vote: MemberID(2))))
        #expect(try subject.reopen().ballot == Ballot(term: 3, vote: MemberID(2)))
    }

    @Test(arguments: Kind.allCases)
    func `a conflicting suffix is replaced, also across segments and restarts`(_ kind: Kind) throws {
        let subject = try Subject(kind)
        let first: [LogEntry] = (1...100).map { entry($0, 1, "old \($0)") }
        try subject.storage.write(.append(first, write: 1))
        try subject.storage.flush()
        try subject.storage.write(.truncate(to: first[9].position, testConfiguration))
        let second: [LogEntry] = (11...20).map { entry($0, 2, "new \($0)") }
        try subject.storage.write(.append(second, write: 2))
        try subject.storage.flush()
        #expect(try subject.reopen().entries == Array(first[..<10]) + second)
        try subject.storage.write(.append([entry(21, 3)], write: 1))
        #expect(try subject.reopen().entries.count == 21)
    }

    @Test(arguments: Kind.allCases)
    func `after a snapshot the log begins behind it`(_ kind: Kind) throws {
        let subject = try Subject(kind)
        try subject.storage.write(.append([entry(1, 1), entry(2, 1)], write: 1))
        let later = Configuration(voters: [MemberID(1)], removed: [MemberID(2)])
        try subject.storage.write(.reset(LogPosition(index: 50, term: 4), later))
        try subject.storage.write(.append([entry(51, 4)], write: 2))
        try subject.storage.flush()
        let contents: LogContents = try subject.reopen()
        #expect(contents.base == LogPosition(index: 50, term: 4))
        #expect(contents.baseConfiguration == later)
        #expect(contents.entries == [entry(51, 4)])
    }

    @Test(arguments: Kind.allCases)
    func `compaction takes nothing above its index and keeps the configuration`(_ kind: Kind) throws {
        let subject = try Subject(kind)
        let joint = Configuration(voters: [MemberID(1)], outgoing: testConfiguration.voters)
        var entries: [LogEntry] = (1...300).map { entry($0, 1, "payload \($0)") }
        entries[4] = LogEntry(index: 5, term: 1, kind: .configuration, payload: joint.encoded)
        for entry in entries {
            try subject.storage.write(.append([entry], write: entry.index))
            try subject.storage.flush()
        }
        try subject.storage.compact(through: 250)
        let contents: LogContents = try subject.reopen()
        #expect(contents.base.index > 100)
        #expect(contents.base.index <= 250)
        #expect(contents.baseConfiguration == joint)
        #expect(contents.entries == Array(entries[Int(contents.base.index)...]))
    }
}
