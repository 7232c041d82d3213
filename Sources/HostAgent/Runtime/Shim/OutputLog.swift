import Glibc
import HostProtocol
import Limits
import Logging

/// The form of a container's log: a line for a line, `<time> <kind> <F|P> <text>`.
///
/// `F` stands before a whole line, `P` before a part of one: what follows goes on in the next entry of the same kind.
/// Source: the log format of the Kubernetes container runtime interface, with `tty` as one more kind.
struct OutputEntry: Hashable {
    var time: String
    var kind: LogKind
    var isWhole: Bool
    var text: ArraySlice<UInt8>

    /// nil when the line is none.
    init?(_ line: ArraySlice<UInt8>) {
        var rest: ArraySlice<UInt8> = line
        func word() -> String? {
            guard let space: Int = rest.firstIndex(of: UInt8(ascii: " ")) else { return nil }
            defer { rest = rest[(space + 1)...] }
            return String(decoding: rest[..<space], as: UTF8.self)
        }
        guard let time: String = word(), let kind: LogKind = word().flatMap({ LogKind(rawValue: $0) }),
            let mark: String = word(), mark == "F" || mark == "P"
        else { return nil }
        self.time = time
        self.kind = kind
        isWhole = mark == "F"
        text = rest
    }

    static func encode(time: String, kind: LogKind, isWhole: Bool, text: ArraySlice<UInt8>) -> [UInt8] {
        Array("\(time) \(kind.rawValue) \(isWhole ? "F" : "P") ".utf8) + text + [0x0A]
    }
}

/// Writes a container's output to its log, which never grows beyond two files of `Limits.hostOutputFileBytes`.
///
/// Used by a supervisor's one thread.
final class OutputLog {
    private let folder: ContainerFolder
    private var descriptor: Int32 = -1
    private var size: Int = 0
    private var rests: [LogKind: [UInt8]] = [:]

    init(_ folder: ContainerFolder) {
        self.folder = folder
        open()
    }

    private func open() {
        descriptor = Glibc.open(folder.logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var status = stat()
        size = descriptor >= 0 && fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    func add(_ kind: LogKind, _ bytes: ArraySlice<UInt8>) {
        var rest: [UInt8] = rests[kind] ?? []
        var entries: [UInt8] = []
        let time: String = LogTime.now().description
        for byte in bytes {
            if byte == 0x0A {
                entries += OutputEntry.encode(time: time, kind: kind, isWhole: true, text: rest[...])
                rest.removeAll(keepingCapacity: true)
                continue
            }
            rest.append(byte)
            if rest.count >= Limits.hostOutputLineBytes {
                entries += OutputEntry.encode(time: time, kind: kind, isWhole: false, text: rest[...])
                rest.removeAll(keepingCapacity: true)
            }
        }
        rests[kind] = rest
        append(entries)
    }

    /// What came without the end of a line.
    func finish() {
        let time: String = LogTime.now().description
        for kind in LogKind.allCases {
            guard let rest: [UInt8] = rests.removeValue(forKey: kind), !rest.isEmpty else { continue }
            append(OutputEntry.encode(time: time, kind: kind, isWhole: false, text: rest[...]))
        }
    }

    /// What cannot be written, such as on a full disk, is lost: the container must not stand still for it.
    private func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if size + bytes.count > Limits.hostOutputFileBytes, size > 0 {
            if descriptor >= 0 { close(descriptor) }
            rename(folder.logPath, folder.olderLogPath)
            open()
        }
        guard descriptor >= 0 else { return }
        var rest: ArraySlice<UInt8> = bytes[...]
        while !rest.isEmpty {
            let count: Int = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            size += count
            rest = rest.dropFirst(count)
        }
    }
}
