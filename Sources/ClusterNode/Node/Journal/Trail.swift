import Bytes
import Glibc
import JSON
import Limits

/// A node's chained trail on its disk.
///
/// One writer; each batch is flushed, then the file `head` says where the trail ends, so that a cut end is noticed.
struct Trail {
    private let folder: String
    private var sequence: UInt64
    private var hash: [UInt8]
    private var file: Int32 = -1
    private var path: String?
    private var size: Int = 0

    /// Goes on where the last process ended: a line that it did not finish is cut off.
    init(folder: String) {
        self.folder = folder
        sequence = 0
        hash = TrailLine.start
        mkdir(folder, 0o700)
        guard let name: String = LineFiles.names(in: folder).last(where: { TrailLine.isFile($0) }) else { return }
        let path: String = "\(folder)/\(name)"
        guard let bytes: [UInt8] = LineFiles.read(path) else { return }
        let end: Int = bytes.lastIndex(of: 10).map { $0 + 1 } ?? 0
        if end < bytes.count { truncate(path, end) }
        let last: ArraySlice<UInt8> = bytes[..<max(0, end - 1)].split(separator: 10).last ?? []
        guard let object: JSONObject = (try? JSONReader.parse(Array(last)))?.object,
            let number: Int64 = object["seq"]?.int, let text: String = object["hash"]?.string,
            let stored: [UInt8] = Hex.decode(text)
        else {
            // It begins anew behind whatever is there; verifying will say so.
            sequence = UInt64(name.dropFirst("trail-".count).prefix(16)) ?? 0
            return
        }
        (sequence, hash) = (UInt64(clamping: number), stored)
        self.path = path
        size = end
    }

    /// - Returns: whether it was written and flushed.
    mutating func append(_ events: [(time: Int64, event: JSONObject)]) -> Bool {
        if path == nil || size >= Limits.auditFileBytes {
            if file >= 0 { close(file) }
            file = -1
            path = "\(folder)/\(TrailLine.fileName(sequence + 1))"
            size = 0
        }
        guard let path else { return false }
        if file < 0 {
            mkdir(folder, 0o700)
            file = LineFiles.openForAppending(path)
        }
        guard file >= 0 else { return false }
        var bytes: [UInt8] = []
        var (next, chain): (UInt64, [UInt8]) = (sequence, hash)
        func add(_ event: JSONObject, _ time: Int64) {
            next += 1
            let line: (bytes: [UInt8], hash: [UInt8]) = TrailLine.make(event, sequence: next, time: time, after: chain)
            bytes += line.bytes
            chain = line.hash
        }
        if size == 0 {
            add(["event": "trail.begin", "previous": .string(Hex.encode(hash))], events.first?.time ?? 0)
        }
        for (time, event) in events { add(event, time) }
        guard LineFiles.append(bytes, to: file), fdatasync(file) == 0 else {
            // Half a batch must not stand before a whole one.
            ftruncate(file, off_t(size))
            return false
        }
        (sequence, hash) = (next, chain)
        size += bytes.count
        let head: String = "\(folder)/head"
        let beside: Int32 = open("\(head).new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        if beside >= 0 {
            let isWritten: Bool = LineFiles.append(Array("\(sequence) \(Hex.encode(hash))\n".utf8), to: beside)
            close(beside)
            if isWritten { rename("\(head).new", head) }
        }
        return true
    }

    /// Removes whole files whose last line is older than `time`; what is left begins with the hash before it.
    func purge(before time: Int64) {
        let names: [String] = LineFiles.names(in: folder).filter { TrailLine.isFile($0) }
        for name in names.dropLast() {
            guard let changed: Int64 = LineFiles.changed("\(folder)/\(name)"), changed < time else { return }
            unlink("\(folder)/\(name)")
        }
    }

    // MARK: Verifying

    /// Goes along all lines, and stops at the first that is wrong.
    static func verify(folder: String) -> TrailVerdict {
        var verdict = TrailVerdict()
        var chain: [UInt8]?
        let head: (sequence: UInt64, hash: String)? = Self.head(folder)
        var sawHead: Bool = head == nil
        for name in LineFiles.names(in: folder) where TrailLine.isFile(name) {
            guard let bytes: [UInt8] = LineFiles.read("\(folder)/\(name)") else {
                verdict.problem = "\(name) cannot be read"
                return verdict
            }
            verdict.files += 1
            var lines: [ArraySlice<UInt8>] = bytes.split(separator: 10, omittingEmptySubsequences: false)
            // What stands behind the last end was never finished.
            lines.removeLast()
            if lines.isEmpty, !bytes.isEmpty || verdict.lines > 0 {
                verdict.problem = "\(name) has no whole line"
                return verdict
            }
            for (index, line) in lines.enumerated() {
                let place: String = "line \(index + 1) of \(name)"
                let object: JSONObject? = (try? JSONReader.parse(Array(line)))?.object
                if index == 0 {
                    let previous: [UInt8]? = object?["previous"]?.string.flatMap { Hex.decode($0) }
                    guard object?["event"] == "trail.begin", let previous, chain == nil || chain == previous else {
                        verdict.problem = "\(place): the file does not go on where the one before ended"
                        return verdict
                    }
                    chain = previous
                }
                guard let read = TrailLine.read(line, after: chain ?? TrailLine.start), read.fits,
                    let sequence: UInt64 = read.event["seq"]?.int.flatMap({ UInt64(exactly: $0) }),
                    verdict.lines == 0 || sequence == verdict.to + 1
                else {
                    verdict.problem =
                        "\(place) (after number \(verdict.to)): its hash does not fit: it was changed, or what stood before it was "
                        + "changed, moved or removed"
                    return verdict
                }
                if verdict.lines == 0 { verdict.from = sequence }
                verdict.lines += 1
                verdict.to = sequence
                verdict.dropped += read.event["dropped"]?.int.flatMap { UInt64(exactly: $0) } ?? 0
                chain = read.hash
                if let head, head.sequence == sequence { sawHead = head.hash == Hex.encode(read.hash) }
            }
        }
        verdict.head = chain.map { Hex.encode($0) } ?? ""
        if !sawHead {
            verdict.problem = "lines are missing at the end: number \(head?.sequence ?? 0) was written and is not there"
        }
        return verdict
    }

    private static func head(_ folder: String) -> (UInt64, String)? {
        guard let bytes: [UInt8] = LineFiles.read("\(folder)/head") else { return nil }
        let parts: [Substring] = String(decoding: bytes, as: UTF8.self).dropLast().split(separator: " ")
        guard parts.count == 2, let sequence = UInt64(parts[0]) else { return (0, "") }
        return (sequence, String(parts[1]))
    }
}
