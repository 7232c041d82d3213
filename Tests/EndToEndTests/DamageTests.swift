import Glibc
import JSON
import Testing

@testable import Store

extension EndToEnd {
    /// A node of three whose files are not what they should be.
    @Suite(.serialized) struct DamageTests {
        /// No checksum tells: the same log, and a state that was written in order.
        @Test func `a node that holds another state than the others is found, ends, and comes back empty`() async throws
        {
            try await HandRig.run { rig in
                try await rig.found(["node1", "node2", "node3"])
                for number in 1...3 { try await rig.stack("before-\(number)", node: "node\(number)") }
                try await rig.stop("node3")
                let file = try StateFile(path: "\(rig.data("node3"))/state/state.db")
                var view: StoreView = try file.load()
                view.nextNumber += 1_000
                try file.write(view, changed: [], midway: {})
                // Numbers are given on apply: what is created from here on would be called otherwise.
                try rig.start("node3")
                try await wait(for: "node3 to be told, and to end") {
                    Files.read("\(rig.data("node3"))/quarantined") != nil
                }
                let again: Ended = try await rig.drover(["server", "run", "--data", rig.data("node3")]).ends(1)
                try #require(again.error.contains("must not go on as node3"), "\(again)")
                try await wait(for: "the status to say what is to be done") {
                    let status: Ended = try await rig.drover(["cluster", "status"], node: "node1").ends(0)
                    return (status.out + status.error).contains("cluster remove node3")
                }
                // The two others go on, and what the alarm says works.
                try await rig.stack("meanwhile", node: "node2")
                // It has ended by itself.
                try? await rig.kill9("node3")
                try await rig.drover(["cluster", "remove", "node3"], node: "node1").ends(0)
                try await Files.remove(rig.data("node3"))
                try await rig.join("node3", through: "node1")
                try await rig.voters(3, through: "node1")
                let all: Set<String> = try await rig.stacks(node: "node1")
                try #require(all.contains("meanwhile") && all.count == 4)
                try #require(try await rig.stacks(node: "node3") == all)
            }
        }

        @Test func `a log with a flipped bit in its middle is mended from the others`() async throws {
            try await HandRig.run { rig in
                try await rig.found(["node1", "node2", "node3"])
                for number in 1...20 { try await rig.stack("before-\(number)", node: "node\(number % 3 + 1)") }
                try await rig.kill9("node3")
                for number in 1...5 { try await rig.stack("meanwhile-\(number)", node: "node\(number % 2 + 1)") }
                let log: String = "\(rig.data("node3"))/log"
                let first: String = try #require(Files.names(in: log).first { $0.hasSuffix(".log") })
                try Files.flipBit(in: "\(log)/\(first)", around: "before-11")
                try rig.start("node3")
                try await wait(for: "node3 to have everything") {
                    try await rig.stacks(node: "node3") == (try await rig.stacks(node: "node1"))
                }
                try #require(rig.log("node3").contains("damage in the data folder"), "nothing was damaged")
                try #require(try await rig.stacks(node: "node3").count == 25)
                // It counts again: with another one gone it is half of the majority.
                try await wait(for: "node3 to have mended its log") {
                    rig.log("node3").contains("the log is whole again")
                }
                try await rig.kill9("node2")
                try await rig.stack("after", node: "node3")
            }
        }
    }
}

extension Files {
    /// Changes one bit of the first place where `text` stands, as a disk does that says nothing.
    fileprivate static func flipBit(in path: String, around text: String) throws {
        let file: Int32 = open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { throw RigFailure("cannot open \(path)") }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: Int(lseek(file, 0, SEEK_END)))
        let count: Int = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        let wanted: [UInt8] = Array(text.utf8)
        let place: Int? = (0..<max(0, count - wanted.count)).first { start in
            bytes[start] == wanted[0] && bytes[start..<start + wanted.count].elementsEqual(wanted)
        }
        guard let place else { throw RigFailure("\(text) does not stand in \(path)") }
        var flipped: UInt8 = bytes[place] ^ 1
        guard pwrite(file, &flipped, 1, off_t(place)) == 1 else { throw RigFailure("cannot write \(path)") }
    }
}
