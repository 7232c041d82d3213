internal import Bytes
internal import Glibc
internal import Limits
package import RaftCore

/// What is left of a damaged log.
package struct SalvagedLog: Hashable, Sendable {
    /// The entry at which the kept part ends.
    package var end: LogIndex
    /// Up to here the member may have acknowledged entries.
    package var mending: LogIndex
    /// Where the damaged files are now.
    package var keptIn: String
}

/// Making a damaged log usable again: what comes before the damage stays, the rest is fetched from the other members.
///
/// The damaged files are kept, in the folder `damaged-<number>`. A crash in between leaves a shorter log, never a wrong one:
/// the file `mending` is there first.
extension FileLog {
    /// Cuts the log before the damage, and notes up to where it was.
    ///
    /// - Parameters:
    ///   - applied: what the state machine holds.
    ///   - keepsNothing: cut at the very beginning, because the state is begun anew, too.
    /// - Throws: ``LogFault/damaged(file:offset:reason:)`` again when there are no other members to fetch from, or when nobody
    ///   can say who they are, or who this is.
    package static func salvage(
        in path: String,
        applied: LogIndex,
        keepsNothing: Bool = false,
        segmentBytes: Int = Limits.raftSegmentBytes
    ) throws(LogFault) -> SalvagedLog {
        let directory = try Directory(creating: path)
        let lock = try DirectoryLock(directory)
        defer { withExtendedLifetime(lock) {} }
        let member = try MemberFile(reading: directory)
        let names: [String] = try directory.names().filter { $0.hasSuffix(".log") }
        var remains = Remains(member, directory)
        for name in names { try remains.read(name) }
        let known: Configuration = remains.configuration
        guard known.members.contains(where: { $0 != member.member }) else {
            throw remains.fault
                ?? .damaged(file: path, offset: 0, reason: "there are no other members to fetch anything from")
        }
        let before: LogIndex = (try? MendingFile.read(in: directory)) ?? 0
        let target: LogIndex = max(remains.highest, applied, before)
        try MendingFile.write(target, in: directory)

        let kept: String = try directory.newFolder("damaged")
        let cut: Int = keepsNothing ? 0 : remains.cut.segment
        // The last first: what is left is a log at every moment.
        for name in names[min(cut, names.count)...].reversed() {
            try directory.move(name, into: kept)
        }
        if !keepsNothing, let damaged = remains.cut.head {
            let size: Int = max(segmentBytes, damaged.count + 4096)
            try directory.make("next") { (file) throws(LogFault) in
                try file.write(damaged, at: 0)
                try ZeroFilledFile.fill(file, from: damaged.count, to: size)
            }
            try directory.rename("next", to: names[cut])
        } else if cut == 0 {
            _ = try newSegment(
                sequence: 1,
                opening: .start,
                configuration: known,
                previous: 0,
                in: directory,
                bytes: segmentBytes
            )
        }
        return SalvagedLog(
            end: keepsNothing ? 0 : remains.replay.contents.last.index,
            mending: target,
            keptIn: "\(path)/\(kept)"
        )
    }
}

/// What can be read of a log, before and after the damage.
private struct Remains {
    var replay: LogReplay
    /// The first segment that cannot be read to its end, and what of it can.
    var cut: (segment: Int, head: [UInt8]?)
    var fault: LogFault?
    /// The highest entry of which anything was seen.
    var highest: LogIndex = 0
    /// The newest that was seen.
    var configuration: Configuration
    private let directory: Directory
    private var count: Int = 0

    init(_ member: MemberFile, _ directory: Directory) {
        configuration = Configuration(voters: [member.member])
        replay = LogReplay(
            LogContents(
                member: member.member,
                group: member.group,
                ballot: member.ballot,
                baseConfiguration: configuration
            )
        )
        cut = (0, nil)
        self.directory = directory
    }

    mutating func read(_ name: String) throws(LogFault) {
        let path: String = directory.path(of: name)
        let bytes: [UInt8] = try File(opening: path, flags: O_RDONLY).readAll()
        defer { count += 1 }
        if fault == nil {
            do throws(LogFault) {
                var attempt: LogReplay = replay
                try attempt.read(SegmentReader(path: path, bytes: bytes))
                replay = attempt
                configuration = replay.configuration
                highest = max(highest, replay.contents.last.index)
                cut = (count + 1, nil)
                return
            } catch {
                guard case .damaged = error else { throw error }
                fault = error
                try readPart(path, bytes)
            }
        }
        scan(path, bytes)
    }

    /// Takes what comes before the damage in this segment.
    private mutating func readPart(_ path: String, _ bytes: [UInt8]) throws(LogFault) {
        cut = (count, nil)
        guard case .damaged(_, let offset, _) = fault, offset > SegmentHead.bytes, offset <= bytes.count else { return }
        var attempt: LogReplay = replay
        let head = Array(bytes[..<offset])
        guard let reader = try? SegmentReader(path: path, bytes: head), (try? attempt.read(reader)) != nil else {
            return
        }
        replay = attempt
        configuration = replay.configuration
        highest = max(highest, replay.contents.last.index)
        cut = (count, head)
    }

    /// Looks for whole records anywhere in the segment.
    private mutating func scan(_ path: String, _ bytes: [UInt8]) {
        guard let head = try? SegmentHead(decoding: bytes, path: path) else { return }
        var place: Int = SegmentHead.bytes
        while place + LogRecord.headBytes <= bytes.count {
            guard let record = LogRecord(in: bytes, at: place, salt: head.salt) else {
                place += 8
                continue
            }
            highest = max(highest, record.position.index)
            if let found = record.statedConfiguration { configuration = found }
            place += LogRecord.size(payload: record.payload.count)
        }
    }
}

extension LogRecord {
    /// The configuration that the record puts in force.
    fileprivate var statedConfiguration: Configuration? {
        switch kind {
        case .entry(.configuration), .opening, .truncation, .reset: Configuration(encoded: payload)
        case .entry, .mark: nil
        }
    }
}

extension Directory {
    /// A folder in this one that was not there: `<stem>-1`, `<stem>-2`, ….
    fileprivate func newFolder(_ stem: String) throws(LogFault) -> String {
        var number: Int = 1
        while exists("\(stem)-\(number)") { number += 1 }
        let name: String = "\(stem)-\(number)"
        guard mkdir(path(of: name), 0o700) == 0 else {
            throw .system(operation: "create folder", path: path(of: name), code: errno)
        }
        try flush()
        return name
    }

    fileprivate func move(_ name: String, into folder: String) throws(LogFault) {
        guard Glibc.rename(path(of: name), path(of: "\(folder)/\(name)")) == 0 else {
            throw .system(operation: "move", path: path(of: name), code: errno)
        }
        try flush()
        try File(opening: path(of: folder), flags: O_RDONLY | O_DIRECTORY).flush()
    }
}
