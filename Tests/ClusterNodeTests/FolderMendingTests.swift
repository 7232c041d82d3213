import Glibc
import JSON
import Testing

@testable import ClusterNode

/// What a node does about damage in its folder (T21, T23).
@Suite(.serialized, .timeLimit(.minutes(2))) struct FolderMendingTests {
    private func flip(_ path: String, at offset: Int, count: Int = 1) throws {
        let file: Int32 = open(path, O_RDWR)
        try #require(file >= 0, "\(path)")
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: count)
        try #require(pread(file, &bytes, count, off_t(offset)) == count)
        for index in bytes.indices { bytes[index] ^= 0x5A }
        try #require(pwrite(file, bytes, count, off_t(offset)) == count)
    }

    @Test func `a damaged state is made anew from a log that is whole`() async throws {
        let rig = try await NodeRig()
        for number in 0..<20 { _ = try await rig.call("POST", "stacks", ["name": .string("s\(number)")]) }
        await rig.node.stop()
        // All pages but the first, which makes it an SQLite file.
        var status = stat()
        try #require(stat("\(rig.folder.state)/state.db", &status) == 0)
        try flip("\(rig.folder.state)/state.db", at: 4_096, count: Int(status.st_size) - 4_096)
        try await rig.startAgain()
        let stacks = try await rig.call("GET", "stacks?limit=-1")
        #expect(stacks.body["data"]?.array?.count == 20)
        #expect(access("\(rig.folder.state).damaged-1/state.db", F_OK) == 0, "the damaged one is kept for study")
        await rig.stop()
    }

    @Test func `a lone node with a damaged log is refused, with file and offset, and nothing is touched`() async throws
    {
        let rig = try await NodeRig()
        for number in 0..<20 { _ = try await rig.call("POST", "stacks", ["name": .string("s\(number)")]) }
        await rig.node.stop()
        let path: String = "\(rig.folder.log)/0000000000000001.log"
        try flip(path, at: 4_000)
        do {
            _ = try await NodeRig.start(rig.folder)
            Issue.record("it started")
        } catch {
            #expect("\(error)".contains("0000000000000001.log is damaged at byte"), "\(error)")
        }
        #expect(access("\(rig.folder.log)/damaged-1", F_OK) != 0)
        try flip(path, at: 4_000)
        try await rig.startAgain()
        #expect(try await rig.call("GET", "stacks?limit=-1").body["data"]?.array?.count == 20)
        await rig.stop()
    }
}
