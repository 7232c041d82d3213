import Glibc
import RaftCore
import TestSupport

@testable import RaftLog

extension Folder {
    var segments: [String] { names.filter { $0.hasSuffix(".log") } }

    func bytes(_ name: String) throws -> [UInt8] { try File(opening: "\(path)/\(name)", flags: O_RDONLY).readAll() }

    func overwrite(_ name: String, at offset: Int, with bytes: [UInt8]) throws {
        try File(opening: "\(path)/\(name)", flags: O_RDWR).write(bytes, at: offset)
    }
}

let testGroup = GroupIdentity(cluster: 11, incarnation: 22)
let testConfiguration = Configuration(voters: [MemberID(1), MemberID(2), MemberID(3)])

func entry(_ index: LogIndex, _ term: Term, _ text: String = "x") -> LogEntry {
    LogEntry(index: index, term: term, kind: .data, payload: Array(text.utf8))
}

func founded(_ folder: Folder, segmentBytes: Int = 64 * 1024) throws -> FileLog {
    try FileLog.create(
        in: folder.path,
        member: MemberID(1),
        group: testGroup,
        configuration: testConfiguration,
        segmentBytes: segmentBytes
    )
    return try FileLog(opening: folder.path, segmentBytes: segmentBytes)
}

func reopened(_ folder: Folder, knownCommitted: LogIndex = 0) throws -> LogContents {
    try FileLog(opening: folder.path, knownCommitted: knownCommitted, segmentBytes: 64 * 1024).contents()
}
