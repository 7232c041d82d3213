import Glibc
import RaftCore

@testable import RaftLog

/// A folder of the test's own, removed with it.
final class Folder {
    let path: String

    init() {
        var name: [CChar] = Array("/tmp/drover-raft-XXXXXX".utf8CString)
        mkdtemp(&name)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    var names: [String] { (try? Directory(creating: path).names()) ?? [] }
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
