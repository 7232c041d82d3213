import Glibc
import HostAgentCore

/// Addresses that containers of this machine have while they run.
///
/// One is held by the lock on a file of its name, so that it is free again when its holder is gone, however it went.
struct MachineAddresses {
    /// Where the locks are; one for all agents of a user.
    static var folder: String { geteuid() == 0 ? "/run/drover" : "/tmp/drover-\(geteuid())" }

    /// Makes ``folder``.
    ///
    /// - Throws: when somebody else has put it there: `/tmp` is everybody's, and terminals are handed over in this folder.
    static func makeFolder() throws(OperationFailure) {
        try FolderTree.make(folder)
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            status.st_mode & 0o022 == 0
        else {
            throw OperationFailure(
                "\(folder) is not this user's alone: remove it, or have its owner remove it; it is made again"
            )
        }
    }

    /// The first two numbers of all addresses.
    let prefix: String

    /// On the machine's bridge, `drover0`.
    static let bridge = MachineAddresses(prefix: "10.41")
    /// On the machine's loopback, for containers without a network of their own.
    static let loopback = MachineAddresses(prefix: "127.41")

    /// Takes a free address for as long as this process lives; `wish` gives mostly the same one each time.
    func take(for wish: String) throws(OperationFailure) -> String {
        try Self.makeFolder()
        let folder: String = "\(Self.folder)/addresses"
        try FolderTree.make(folder)
        // FNV-1a: any spread does.
        var hash: UInt32 = 2_166_136_261
        for byte in wish.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        let count: UInt32 = 250 * 250
        for step in 0..<count {
            let place: UInt32 = (hash % count + step) % count
            // 0.x is the bridge's own; 0 and 255 at the end are avoided.
            let address: String = "\(prefix).\(place / 250 + 1).\(place % 250 + 2)"
            let descriptor: Int32 = open("\(folder)/\(address)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw FolderTree.failure("take an address in", folder) }
            // Left open on purpose: the lock is the claim.
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return address }
            close(descriptor)
        }
        throw OperationFailure("no address of \(prefix).0.0/16 is free on this machine", isTransient: true)
    }
}
