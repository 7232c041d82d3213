internal import Bytes
internal import Glibc
internal import RaftCore

/// Who this member is and how it voted: the small file `member`.
///
/// There are two copies, `member` and `member.copy`, both written before a ballot counts as written: when one is damaged the
/// other one is used.
///
/// Shape (version 1): "DRVMEMB" and the version byte; member, cluster, incarnation, term, vote (0 for none), 8 bytes
/// each; CRC-32C of all that.
struct MemberFile {
    static let name: String = "member"
    private static let copy: String = "member.copy"
    private static let magic: [UInt8] = Array("DRVMEMB".utf8) + [1]

    var member: MemberID
    var group: GroupIdentity
    var ballot: Ballot

    init(member: MemberID, group: GroupIdentity, ballot: Ballot) {
        self.member = member
        self.group = group
        self.ballot = ballot
    }

    init(reading directory: Directory) throws(LogFault) {
        guard directory.exists(Self.name) else { throw .missing(directory: directory.path) }
        let copy: MemberFile? =
            directory.exists(Self.copy) ? try? MemberFile(reading: Self.copy, in: directory) : nil
        do throws(LogFault) {
            let first = try MemberFile(reading: Self.name, in: directory)
            // A crash between the two: the newer one may have been told of already, or not; nothing is lost by using it.
            self = copy.map { $0.isNewer(than: first) ? $0 : first } ?? first
        } catch {
            guard case .damaged = error, let copy else { throw error }
            self = copy
            try save(in: directory)
        }
    }

    private func isNewer(than other: MemberFile) -> Bool {
        guard member == other.member, group == other.group else { return false }
        if ballot.term != other.ballot.term { return ballot.term > other.ballot.term }
        return ballot.vote != nil && other.ballot.vote == nil
    }

    private init(reading name: String, in directory: Directory) throws(LogFault) {
        let path: String = directory.path(of: name)
        let bytes: [UInt8] = try File(opening: path, flags: O_RDONLY).readAll()
        guard let found = Self(decoding: bytes) else {
            if bytes.count > 8, bytes.starts(with: Self.magic.dropLast()), bytes[7] != 1 {
                throw .unknownFormat(file: path, found: "\(bytes[7])")
            }
            throw .damaged(file: path, offset: 0, reason: "its checksum or shape is wrong")
        }
        self = found
    }

    private init?(decoding bytes: [UInt8]) {
        guard bytes.count == 52, bytes.starts(with: Self.magic) else { return nil }
        var reader = ByteReader(bytes[8...])
        guard let member = try? reader.u64(), member != 0, let cluster = try? reader.u64(),
            let incarnation = try? reader.u64(), let term = try? reader.u64(), let vote = try? reader.u64(),
            let checksum = try? reader.u32(), checksum == CRC32C.checksum(bytes[..<48])
        else { return nil }
        self.member = MemberID(member)
        group = GroupIdentity(cluster: cluster, incarnation: incarnation)
        ballot = Ballot(term: term, vote: vote == 0 ? nil : MemberID(vote))
    }

    private var encoded: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 52)
        writer.raw(Self.magic)
        let vote: UInt64 = ballot.vote?.number ?? 0
        for number in [member.number, group.cluster, group.incarnation, ballot.term, vote] { writer.u64(number) }
        writer.u32(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    func save(in directory: Directory) throws(LogFault) {
        try directory.replace(Self.name, with: encoded)
        try directory.replace(Self.copy, with: encoded)
    }
}
