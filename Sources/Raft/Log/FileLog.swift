internal import Bytes
internal import Glibc
internal import Limits
package import RaftCore

/// A member's log in a folder of its own: append-only segments, zero-filled ahead of use.
///
/// Nothing is ever changed in place: a truncation is a record, too. Old segments go away as a whole.
/// The folder holds `lock`, `member` (who we are, how we voted), `<sequence>.log` and `spare` (the next segment).
package final class FileLog: LogStorage {
    private let directory: Directory
    /// Nil once closed.
    private var lock: DirectoryLock?
    private let segmentBytes: Int
    private var member: MemberFile
    private var restored: LogContents
    private var last: LogPosition
    private var configuration: Configuration
    private var openings: [(sequence: UInt64, last: LogIndex)]

    private var file: File
    private var head: SegmentHead
    private var size: Int
    /// Up to here the file is on the disk; `buffer` follows.
    private var flushedOffset: Int
    private var buffer = ByteWriter()
    private var checksum: UInt32
    private let spare: SpareSegment
    private let reserve: SegmentReserve
    /// Asked when there is no space at all: whether to try again, after a while.
    private var waitForSpace: () -> Bool = { false }
    private var hasFailed: Bool = false

    /// Makes a folder for a new member, whose log begins empty with this configuration.
    ///
    /// - Parameter base: what the state machine holds already, in a cluster that is restored or recovered.
    package static func create(
        in path: String,
        member: MemberID,
        group: GroupIdentity,
        configuration: Configuration,
        base: LogPosition = .start,
        segmentBytes: Int = Limits.raftSegmentBytes
    ) throws(LogFault) {
        let directory = try Directory(creating: path)
        let lock = try DirectoryLock(directory)
        guard !directory.exists(MemberFile.name) else { throw .exists(directory: path) }
        _ = try newSegment(
            sequence: 1,
            opening: base,
            configuration: configuration,
            previous: 0,
            in: directory,
            bytes: segmentBytes
        )
        // The member file comes last: a folder without it was never founded.
        try MemberFile(member: member, group: group, ballot: Ballot(term: base.term)).save(in: directory)
        withExtendedLifetime(lock) {}
    }

    /// Opens a member's folder and reads its log.
    ///
    /// - Parameters:
    ///   - knownCommitted: what the state machine already holds; a log that ends below it is damaged.
    ///   - snapshots: where received snapshots are kept. When the state was replaced by one and the crash came before the
    ///     log followed, the log is begun anew behind it.
    /// - Throws: ``LogFault/damaged(file:offset:reason:)`` when something that was flushed cannot be read back. A tail
    ///   that was never flushed is cut.
    package init(
        opening path: String,
        knownCommitted: LogIndex = 0,
        snapshots: SnapshotFolder? = nil,
        segmentBytes: Int = Limits.raftSegmentBytes
    ) throws(LogFault) {
        let directory = try Directory(creating: path)
        let lock = try DirectoryLock(directory)
        let member = try MemberFile(reading: directory)
        let names: [String] = try directory.names().filter { $0.hasSuffix(".log") }
        var replay = LogReplay(
            LogContents(
                member: member.member,
                group: member.group,
                ballot: member.ballot,
                baseConfiguration: Configuration(voters: [member.member])
            )
        )
        for name in names {
            let segmentPath: String = directory.path(of: name)
            let bytes: [UInt8] = try File(opening: segmentPath, flags: O_RDONLY).readAll()
            try replay.read(SegmentReader(path: segmentPath, bytes: bytes))
        }
        guard let end = replay.end else {
            throw .damaged(file: path, offset: 0, reason: "the folder has a member but no log segment")
        }
        let installed: SnapshotAbout? = try snapshots?.interruptedInstall(of: member.group)
        // The state is the snapshot, or later; whether the log has followed is what its entries say.
        let follows: SnapshotAbout? = installed.flatMap { about in
            knownCommitted >= about.position.index && !replay.contents.holds(about.position) ? about : nil
        }
        guard follows != nil || replay.contents.last.index >= knownCommitted else {
            throw .damaged(
                file: end.path,
                offset: end.offset,
                reason: "the log ends at entry \(replay.contents.last.index), but \(knownCommitted) was committed"
            )
        }
        file = try File(opening: end.path, flags: O_RDWR)
        if end.isTorn {
            try ZeroFilledFile.fill(file, from: end.offset, to: end.size)
            try file.flushData()
        }
        self.directory = directory
        self.lock = lock
        self.segmentBytes = segmentBytes
        self.member = member
        restored = replay.contents
        last = replay.contents.last
        configuration = replay.configuration
        openings = replay.openings
        head = end.head
        size = end.size
        flushedOffset = end.offset
        checksum = end.checksum
        spare = SpareSegment(directory: directory, bytes: segmentBytes)
        reserve = SegmentReserve(directory: directory, bytes: segmentBytes, count: Limits.raftReservedSegments)
        reserve.refill()
        restored.mending = try MendingFile.read(in: directory)
        if let about = follows { try follow(about) }
        if installed != nil { try snapshots?.finishInstall() }
    }

    /// Begins the log anew behind a snapshot that the state machine holds already.
    private func follow(_ about: SnapshotAbout) throws(LogFault) {
        if member.ballot.term < about.position.term {
            try write(.ballot(Ballot(term: about.position.term)))
            restored.ballot = member.ballot
        }
        try write(.reset(about.position, about.configuration))
        try flush()
        restored.reset(to: about.position, about.configuration)
    }

    /// The entry after which the log begins: what comes before it must be in the state already.
    package var base: LogIndex { restored.base.index }

    /// A part of the log was lost; see ``LogContents/mending``.
    package var mending: LogIndex? { restored.mending }

    package func contents() -> LogContents {
        // Handed out once; the entries need not be kept here, too.
        defer { restored.entries = [] }
        return restored
    }

    package func write(_ change: DiskWrite) throws(LogFault) {
        precondition(lock != nil && !hasFailed, "nothing may be written after a failed flush or the end")
        switch change {
        case .ballot(let ballot):
            member.ballot = ballot
            do throws(LogFault) {
                try whenThereIsSpace { () throws(LogFault) in try member.save(in: directory) }
            } catch {
                hasFailed = true
                throw error
            }
        case .append(let entries, _):
            for entry in entries {
                if entry.kind == .configuration, let next = Configuration(encoded: entry.payload) {
                    configuration = next
                }
                try add(.entry(entry.kind), entry.version, entry.position, entry.payload)
            }
        case .truncate(let position, let configuration):
            self.configuration = configuration
            try add(.truncation, Configuration.formatVersion, position, configuration.encoded)
        case .reset(let position, let configuration):
            self.configuration = configuration
            try add(.reset, Configuration.formatVersion, position, configuration.encoded)
        }
    }

    package func flush() throws(LogFault) {
        precondition(!hasFailed, "a failed flush is never tried again")
        guard !buffer.bytes.isEmpty else { return }
        do {
            try file.write(buffer.bytes, at: flushedOffset)
            try file.flushData()
        } catch {
            hasFailed = true
            throw error
        }
        flushedOffset += buffer.bytes.count
        buffer.bytes.removeAll(keepingCapacity: buffer.bytes.count < 1 << 20)
        if flushedOffset > size / 2 { spare.prepare() }
    }

    package func compact(through index: LogIndex) throws(LogFault) {
        var removed: Bool = false
        while openings.count > 1, openings[1].last <= index {
            try directory.remove(SegmentHead.name(openings[0].sequence))
            openings.removeFirst()
            removed = true
        }
        guard removed else { return }
        try directory.flush()
        reserve.refill()
    }

    package func finishMending() throws(LogFault) { try MendingFile.remove(in: directory) }

    package func whenFull(_ wait: @escaping () -> Bool) { waitForSpace = wait }

    /// Gives back the space of one reserved segment, if there is one, so that other files can be opened on a full disk.
    package static func yieldReserve(in path: String) throws(LogFault) {
        let directory = try Directory(creating: path)
        guard let name: String = try directory.names().last(where: { $0.hasPrefix("reserve.") }) else { return }
        try directory.remove(name)
        try directory.flush()
    }

    /// Runs `make`, which leaves everything as it was when it finds no space, until there is some.
    private func whenThereIsSpace<Made>(_ make: () throws(LogFault) -> Made) throws(LogFault) -> Made {
        while true {
            do throws(LogFault) {
                return try make()
            } catch {
                guard case .full = error, waitForSpace() else { throw error }
            }
        }
    }

    package func close() throws(LogFault) {
        guard lock != nil, !hasFailed else { return }
        try flush()
        try add(.mark, 1, last, [])
        try flush()
        spare.wait()
        lock = nil
    }

    /// Adds a record to the batch.
    ///
    /// The segment changes when it would not fit.
    private func add(
        _ kind: LogRecord.Kind,
        _ version: UInt8,
        _ position: LogPosition,
        _ payload: [UInt8]
    ) throws(LogFault) {
        let bytes: Int = LogRecord.size(payload: payload.count)
        if flushedOffset + buffer.bytes.count + bytes > size { try rotate(needing: bytes) }
        let record = LogRecord(
            kind,
            version: version,
            position: position,
            payload: payload,
            flushed: flushedOffset,
            previous: checksum
        )
        checksum = record.write(to: &buffer, salt: head.salt)
        last = position
    }

    /// Flushes this segment and goes on in a new one, which is complete on the disk before it gets its name.
    private func rotate(needing bytes: Int) throws(LogFault) {
        try flush()
        let opening: LogPosition = last
        let sequence: UInt64 = head.sequence + 1
        let opened = try whenThereIsSpace { () throws(LogFault) in
            try Self.newSegment(
                sequence: sequence,
                opening: opening,
                configuration: configuration,
                previous: checksum,
                in: directory,
                bytes: max(segmentBytes, bytes + 4096 + configuration.encoded.count),
                spare: spare,
                reserve: reserve
            )
        }
        file = opened.file
        head = opened.head
        size = opened.size
        flushedOffset = opened.offset
        checksum = opened.checksum
        openings.append((sequence, opening.index))
        reserve.refill()
    }

    static func newSegment(
        sequence: UInt64,
        opening: LogPosition,
        configuration: Configuration,
        previous: UInt32,
        in directory: Directory,
        bytes: Int,
        spare: SpareSegment? = nil,
        reserve: SegmentReserve? = nil
    ) throws(LogFault) -> (file: File, head: SegmentHead, size: Int, offset: Int, checksum: UInt32) {
        let name: String = "next"
        let file: File
        if let prepared = try spare?.take(as: name, atLeast: bytes) {
            file = prepared
        } else {
            do throws(LogFault) {
                file = try ZeroFilledFile.create(name, in: directory, bytes: bytes)
            } catch {
                guard case .full = error, let kept = try reserve?.take(as: name, atLeast: bytes) else { throw error }
                file = kept
            }
        }
        let head = SegmentHead(sequence: sequence, salt: UInt32.random(in: 1...UInt32.max))
        var writer = ByteWriter()
        writer.raw(head.encoded)
        let record = LogRecord(
            .opening,
            version: Configuration.formatVersion,
            position: opening,
            payload: configuration.encoded,
            flushed: 0,
            previous: previous
        )
        let checksum: UInt32 = record.write(to: &writer, salt: head.salt)
        try file.write(writer.bytes, at: 0)
        try file.flush()
        try directory.rename(name, to: SegmentHead.name(sequence))
        return (file, head, try file.size(), writer.bytes.count, checksum)
    }
}
