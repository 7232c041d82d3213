import Bytes
import Crypto
import Glibc
import JSON
import Limits
import Store

/// The form of a backup.
///
/// Shape (version 1): "DRVBKUP" and the version byte · the header's length, 4 bytes, little-endian · the header, JSON · SHA-256 of
/// all that · the content: a snapshot of the store, as it is sent to another node · nothing.
package enum BackupFile {
    private static let magic: [UInt8] = Array("DRVBKUP".utf8)
    /// Up to the header.
    private static let fixedBytes: Int = 12

    /// Everything before the content.
    static func preamble(_ header: BackupHeader) -> [UInt8] {
        let text: [UInt8] = JSONWriter.bytes(.object(header.json))
        var writer = ByteWriter(reservingCapacity: text.count + 64)
        writer.raw(magic)
        writer.u8(BackupHeader.formatVersion)
        writer.u32(UInt32(text.count))
        writer.raw(text)
        writer.raw(SHA256.hash(writer.bytes))
        return writer.bytes
    }

    /// What a backup is, once all of it was read and found whole.
    package struct Verified: Sendable {
        package var header: BackupHeader
        /// SHA-256 over the logical content, as members compare it.
        package var stateHash: [UInt8]
        package var records: Int
        let view: StoreView

        package var hash: String { Hex.encode(stateHash) }
    }

    /// Reads all of a backup, without a cluster.
    ///
    /// A copy of the content is made beside it for that moment, and removed.
    ///
    /// - Throws: ``NodeFault/backup(_:)`` with what is wrong: truncated, altered, of a newer version, no backup at all.
    package static func verify(_ path: String) throws(NodeFault) -> Verified {
        let file = try RawFile(reading: path)
        let (header, offset): (BackupHeader, Int) = try header(of: file)
        let scratch: String = "\(path).content-\(getpid())"
        defer { for suffix in ["", "-journal", "-wal", "-shm"] { unlink(scratch + suffix) } }
        try extract(header, offset, file, to: scratch)
        let view: StoreView
        do throws(StoreFault) {
            view = try Store.read(snapshot: scratch)
        } catch {
            throw .backup("\(path) cannot be used: \(error.problem)")
        }
        guard view.revision == header.index else {
            throw .backup("\(path) is damaged: it says entry \(header.index), and its content is of \(view.revision)")
        }
        return Verified(header: header, stateHash: view.stateHash(), records: view.recordCount, view: view)
    }

    /// The header, and where the content begins.
    static func header(of file: RawFile) throws(NodeFault) -> (BackupHeader, offset: Int) {
        let path: String = file.path
        let start: [UInt8] = try file.read(at: 0, count: fixedBytes)
        guard start.starts(with: magic), start.count == fixedBytes else {
            throw .backup(
                start.isEmpty || magic.starts(with: start.prefix(magic.count))
                    ? "\(path) is truncated: it ends within its first bytes" : "\(path) is no backup of a cluster"
            )
        }
        guard start[7] == BackupHeader.formatVersion else {
            throw .backup(
                "\(path) has format \(start[7]), and this version reads \(BackupHeader.formatVersion): use the version that "
                    + "wrote it, or a later one"
            )
        }
        let count: Int = start[8..<12].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard count <= Limits.backupHeaderBytes else {
            throw .backup("\(path) is damaged: its header has \(count) bytes")
        }
        let rest: [UInt8] = try file.read(at: fixedBytes, count: count + SHA256.byteCount)
        guard rest.count == count + SHA256.byteCount else {
            throw .backup("\(path) is truncated: it ends within its header")
        }
        guard SHA256.hash(start + rest[..<count]) == Array(rest[count...]) else {
            throw .backup("\(path) was altered: its header does not have the hash that was written with it")
        }
        guard let value: JSONValue = try? JSONReader.parse(Array(rest[..<count])), let header = BackupHeader(value)
        else {
            throw .backup("\(path) cannot be used: this version does not understand its header")
        }
        let offset: Int = fixedBytes + rest.count
        let size: Int = try file.size()
        guard size == offset + header.size else {
            throw .backup(
                size < offset + header.size
                    ? "\(path) is truncated: \(offset + header.size - size) of \(offset + header.size) bytes are missing"
                    : "\(path) was altered: \(size - offset - header.size) bytes stand behind its end"
            )
        }
        return (header, offset)
    }

    private static func extract(
        _ header: BackupHeader,
        _ offset: Int,
        _ file: RawFile,
        to target: String
    ) throws(NodeFault) {
        let copy = try RawFile(writing: target)
        var hash = RunningSHA256()
        var done: Int = 0
        while done < header.size {
            let piece: [UInt8] = try file.read(
                at: offset + done,
                count: min(Limits.backupPieceBytes, header.size - done)
            )
            guard !piece.isEmpty else { throw .backup("\(file.path) is truncated") }
            hash.add(piece)
            try copy.append(piece)
            done += piece.count
        }
        guard hash.finish() == header.digest else {
            throw .backup("\(file.path) was altered: its content does not have the hash that its header names")
        }
    }
}
