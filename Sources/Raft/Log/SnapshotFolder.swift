internal import Bytes
internal import Glibc
internal import RaftCore

/// Where snapshots lie while they travel.
///
/// The folder holds `outgoing` (what this member sends), `incoming` and `incoming.about` (what it receives), and
/// `installing`: the description of the snapshot that is taking the place of state and log. From before the state machine is
/// replaced until the log was begun anew behind it that file is there, so that a crash in between can be understood.
///
/// Used by one thread at a time.
package struct SnapshotFolder: Sendable {
    private static let outgoing: String = "outgoing"
    private static let incoming: String = "incoming"
    private static let about: String = "incoming.about"
    private static let installing: String = "installing"

    package let path: String

    /// Any folder, made if it is absent.
    package init(path: String) throws(LogFault) {
        self.path = try Directory(creating: path).path
    }

    private func directory() throws(LogFault) -> Directory { try Directory(creating: path) }

    /// Where a state machine writes a snapshot that is to be sent.
    package var outgoingPath: String { "\(path)/\(Self.outgoing)" }
    /// Where a received snapshot lies.
    package var incomingPath: String { "\(path)/\(Self.incoming)" }

    // MARK: Sending

    package func openOutgoing() throws(LogFault) -> SnapshotFile {
        SnapshotFile(try File(opening: outgoingPath, flags: O_RDONLY))
    }

    package func removeOutgoing() throws(LogFault) { try directory().remove(Self.outgoing) }

    // MARK: Receiving

    /// Opens the file for a snapshot that a member offers.
    ///
    /// What an earlier, broken transfer of the same snapshot left is kept; anything else is dropped.
    package func openIncoming(_ about: SnapshotAbout) throws(LogFault) -> SnapshotFile {
        let directory: Directory = try directory()
        let encoded: [UInt8] = about.encoded
        var isKnown: Bool = false
        if directory.exists(Self.about) {
            isKnown = try File(opening: directory.path(of: Self.about), flags: O_RDONLY).readAll() == encoded
        }
        if !isKnown {
            try removeIncoming()
            try directory.replace(Self.about, with: encoded)
        }
        let file = SnapshotFile(try File(opening: incomingPath, flags: O_RDWR | O_CREAT))
        if try file.size() > about.size { try file.truncate() }
        return file
    }

    package func removeIncoming() throws(LogFault) {
        let directory: Directory = try directory()
        try directory.remove(Self.about)
        try directory.remove(Self.incoming)
    }

    // MARK: Installing

    /// From now on the state machine may be the snapshot.
    package func beginInstall(_ about: SnapshotAbout) throws(LogFault) {
        try directory().replace(Self.installing, with: about.encoded)
    }

    /// The log stands behind the snapshot on the disk, or the state was not replaced.
    package func finishInstall() throws(LogFault) {
        let directory: Directory = try directory()
        try directory.remove(Self.installing)
        try directory.flush()
        try removeIncoming()
    }

    /// The snapshot that was being installed when the process ended.
    func interruptedInstall(of group: GroupIdentity) throws(LogFault) -> SnapshotAbout? {
        let directory: Directory = try directory()
        guard directory.exists(Self.installing) else { return nil }
        let path: String = directory.path(of: Self.installing)
        let bytes: [UInt8] = try File(opening: path, flags: O_RDONLY).readAll()
        let about: SnapshotAbout
        do {
            about = try SnapshotAbout(decoding: bytes)
        } catch {
            throw .damaged(file: path, offset: 0, reason: "the description of a snapshot cannot be read (\(error))")
        }
        guard about.group == group else {
            throw .damaged(file: path, offset: 0, reason: "it is of group \(about.group), the log of \(group)")
        }
        return about
    }
}

/// The bytes of a snapshot that travels.
package struct SnapshotFile: Sendable {
    private let file: File

    init(_ file: File) { self.file = file }

    package func size() throws(LogFault) -> UInt64 { UInt64(try file.size()) }

    /// Up to `count` bytes; fewer at the end.
    package func read(at offset: UInt64, count: Int) throws(LogFault) -> [UInt8] {
        try file.read(at: Int(offset), count: count)
    }

    package func write(_ bytes: [UInt8], at offset: UInt64) throws(LogFault) { try file.write(bytes, at: Int(offset)) }

    package func truncate() throws(LogFault) { try file.truncate(to: 0) }

    package func flush() throws(LogFault) { try file.flush() }
}
