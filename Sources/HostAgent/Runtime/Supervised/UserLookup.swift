import CLinux
import Glibc
import HostAgentCore

/// From `user[:group]` to numbers, by the container's own `/etc/passwd` and `/etc/group`.
struct UserLookup {
    struct Identity: Hashable {
        var user: UInt32
        var group: UInt32
        var groups: [UInt32]
        var home: String
    }

    /// A file of users is never longer than this.
    private static let fileBytes: Int = 1024 * 1024
    /// The container's root folder.
    let root: String

    /// - Parameter extra: further groups, by name or number.
    /// - Throws: naming the user or group that the image does not have.
    func find(_ text: String?, extra: [String]) throws(OperationFailure) -> Identity {
        let parts: [Substring] = (text ?? "0").split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let wanted: Substring = parts.first.flatMap { $0.isEmpty ? nil : $0 } ?? "0"
        let users: [[Substring]] = lines("etc/passwd")
        let byName: [Substring]? = users.first { $0.count >= 7 && $0[0] == wanted }
        let entry: [Substring]? = byName ?? users.first { $0.count >= 7 && $0[2] == wanted }
        guard let user: UInt32 = entry.flatMap({ UInt32($0[2]) }) ?? UInt32(wanted) else {
            throw OperationFailure("the image has no user '\(wanted)' in its /etc/passwd")
        }
        let groups: [[Substring]] = lines("etc/group")
        func group(_ name: Substring) throws(OperationFailure) -> UInt32 {
            if let number: UInt32 = groups.first(where: { $0.count >= 3 && $0[0] == name }).flatMap({ UInt32($0[2]) }) {
                return number
            }
            guard let number = UInt32(name) else {
                throw OperationFailure("the image has no group '\(name)' in its /etc/group")
            }
            return number
        }
        var identity = Identity(
            user: user,
            group: entry.flatMap { UInt32($0[3]) } ?? 0,
            groups: [],
            home: entry.map { String($0[5]) } ?? "/"
        )
        if parts.count > 1, !parts[1].isEmpty {
            identity.group = try group(parts[1])
        } else if let name: Substring = entry?[0] {
            identity.groups = groups.filter { $0.count >= 4 && $0[3].split(separator: ",").contains(name) }
                .compactMap { UInt32($0[2]) }
        }
        for name in extra { identity.groups.append(try group(name[...])) }
        if identity.home.isEmpty { identity.home = "/" }
        return identity
    }

    private func lines(_ path: String) -> [[Substring]] {
        read(path).split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
    }

    /// Links in the image lead nowhere outside of it.
    private func read(_ path: String) -> String {
        let folder: Int32 = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return "" }
        defer { close(folder) }
        let file: Int32 = clinux_open_in_root(folder, path, UInt64(O_RDONLY | O_CLOEXEC | O_NONBLOCK))
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count < Self.fileBytes {
            let count: Int = Glibc.read(file, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
