internal import Glibc

/// The process that has a port of this machine, for messages about a port that is taken.
///
/// Source: `/proc/net/tcp` and its siblings (proc(5)) give the socket, `/proc/PID/fd` who has it open; processes of other
/// users show theirs to root only.
package struct PortHolder: Hashable, Sendable, CustomStringConvertible {
    package let processID: Int32
    package let name: String

    package enum Transport: String, Hashable, Sendable {
        case tcp
        case udp
    }

    /// As messages name it: `process nginx (812)`.
    package var description: String { "process \(name) (\(processID))" }

    /// Who is in the way of somebody who wants to listen there.
    ///
    /// - Parameter address: a numeric address; an unspecified one (`0.0.0.0`, `::`) collides with all others.
    /// - Returns: nil when nobody is, or when this user may not see who it is.
    package static func find(address: String, port: Int, transport: Transport = .tcp) -> PortHolder? {
        guard let wanted: String = hexadecimal(address) else { return nil }
        var inodes: Set<Substring> = []
        let tables: [String] = wanted.utf8.count == 8 ? ["", "6"] : ["6", ""]
        for table in tables {
            let text: String = read("/proc/net/\(transport.rawValue)\(table)")
            for line in text.split(separator: "\n").dropFirst() {
                if let inode: Substring = inode(line, transport, wanted, port) { inodes.insert(inode) }
            }
        }
        return inodes.isEmpty ? nil : owner(of: inodes)
    }

    /// The socket of one line of the kernel's table, when it is in the way.
    private static func inode(
        _ line: Substring,
        _ transport: Transport,
        _ wanted: String,
        _ port: Int
    ) -> Substring? {
        // 0: 0101017F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 40271 …
        let columns: [Substring] = line.split(separator: " ")
        guard columns.count >= 10, transport == .udp || columns[3] == listening,
            let colon: Substring.Index = columns[1].lastIndex(of: ":"),
            Int(columns[1][columns[1].index(after: colon)...], radix: 16) == port
        else { return nil }
        let held: Substring = columns[1][..<colon]
        let isUnspecified: (String) -> Bool = { $0.utf8.allSatisfy { $0 == UInt8(ascii: "0") } }
        guard held == wanted || isUnspecified(String(held)) || isUnspecified(wanted) else { return nil }
        return columns[9]
    }

    private static let listening: Substring = "0A"

    /// As the kernel's tables have it: each four bytes as a number of this machine.
    private static func hexadecimal(_ address: String) -> String? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            guard inet_pton(family, address, &bytes) == 1 else { continue }
            var text: String = ""
            for start in stride(from: 0, to: count, by: 4) {
                let word: UInt32 = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: UInt32.self) }
                let digits: String = String(word, radix: 16, uppercase: true)
                text += String(repeating: "0", count: 8 - digits.utf8.count) + digits
            }
            return text
        }
        return nil
    }

    private static func owner(of inodes: Set<Substring>) -> PortHolder? {
        for process in names(in: "/proc") {
            guard let processID = Int32(process) else { continue }
            for descriptor in names(in: "/proc/\(processID)/fd") {
                let target: String = linkTarget("/proc/\(processID)/fd/\(descriptor)")
                guard target.hasPrefix("socket:["), inodes.contains(target.dropFirst(8).dropLast()) else { continue }
                return PortHolder(processID: processID, name: name(of: processID))
            }
        }
        return nil
    }

    /// The file that it runs: what it calls itself may be anything.
    private static func name(of processID: Int32) -> String {
        let file: Substring? = linkTarget("/proc/\(processID)/exe").split(separator: "/").last
        let gone: String = " (deleted)"
        guard let file, !file.isEmpty else {
            let name: Substring = read("/proc/\(processID)/comm").prefix { $0 != "\n" }
            return name.isEmpty ? "?" : String(name)
        }
        return String(file.hasSuffix(gone) ? file.dropLast(gone.count) : file)
    }

    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name: String = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static func linkTarget(_ path: String) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count: Int = bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.bindMemory(to: CChar.self).baseAddress else { return -1 }
            return readlink(path, start, buffer.count)
        }
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : ""
    }

    private static func read(_ path: String) -> String {
        let file: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count: Int = chunk.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: chunk[..<count])
        }
    }
}
