internal import Glibc
internal import Synchronization

/// Segments that are kept for the day when the disk is full: their space is taken already.
///
/// They let the log go on for a while, so that deletes, a change of the members and a transfer of leadership still pass
/// while the disk has no space. What was used is made anew as soon as there is space again.
///
/// Files `reserve.0`, `reserve.1`, ….
final class SegmentReserve: Sendable {
    private let directory: Directory
    private let bytes: Int
    private let names: [String]
    /// Those that are there.
    private let kept: Mutex<[String]>

    init(directory: Directory, bytes: Int, count: Int) {
        self.directory = directory
        self.bytes = bytes
        names = (0..<count).map(Self.name)
        kept = Mutex([])
    }

    private static func name(_ number: Int) -> String { "reserve.\(number)" }

    /// Makes those that are missing, as far as there is space.
    func refill() {
        kept.withLock { kept in
            for name in names where !kept.contains(name) {
                if isWhole(name) {
                    kept.append(name)
                } else if (try? directory.make(name, { (file) throws(LogFault) in try file.allocate(bytes) })) != nil {
                    kept.append(name)
                } else {
                    return
                }
            }
        }
    }

    /// A segment of zeros under another name; nil when there is none of that size left.
    func take(as name: String, atLeast needed: Int) throws(LogFault) -> File? {
        guard needed <= bytes, let taken: String = kept.withLock({ $0.popLast() }) else { return nil }
        try directory.rename(taken, to: name)
        let file = try File(opening: directory.path(of: name), flags: O_RDWR)
        // Its space is taken, but every first write to it would pay for that again.
        try ZeroFilledFile.fill(file, from: 0, to: try file.size())
        try file.flush()
        return file
    }

    private func isWhole(_ name: String) -> Bool {
        var status = stat()
        guard stat(directory.path(of: name), &status) == 0 else { return false }
        // Files of another size, or without their space (copied by a program that leaves holes), are made anew.
        return Int(status.st_size) == bytes && Int(status.st_blocks) * 512 >= bytes
    }
}
