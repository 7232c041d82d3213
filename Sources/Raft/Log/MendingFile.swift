internal import Bytes
internal import Glibc
internal import RaftCore

/// That a part of the log was lost, and up to which entry the member may have acknowledged: the small file `mending`.
///
/// It is there from before the first change to a damaged log until the log holds all of it again.
///
/// Shape (version 1): "DRVMEND" and the version byte; index 8; CRC-32C of all that 4.
enum MendingFile {
    static let name: String = "mending"
    private static let magic: [UInt8] = Array("DRVMEND".utf8) + [1]

    static func read(in directory: Directory) throws(LogFault) -> LogIndex? {
        guard directory.exists(name) else { return nil }
        let path: String = directory.path(of: name)
        let bytes: [UInt8] = try File(opening: path, flags: O_RDONLY).readAll()
        var reader = ByteReader(bytes)
        guard bytes.count == 20, bytes.starts(with: magic), (try? reader.raw(8)) != nil,
            let index = try? reader.u64(), let checksum = try? reader.u32(),
            checksum == CRC32C.checksum(bytes[..<16])
        else { throw .damaged(file: path, offset: 0, reason: "it does not say up to which entry the log was") }
        return index
    }

    static func write(_ index: LogIndex, in directory: Directory) throws(LogFault) {
        var writer = ByteWriter()
        writer.raw(magic)
        writer.u64(index)
        writer.u32(CRC32C.checksum(writer.bytes))
        try directory.replace(name, with: writer.bytes)
    }

    static func remove(in directory: Directory) throws(LogFault) {
        guard directory.exists(name) else { return }
        try directory.remove(name)
        try directory.flush()
    }
}
