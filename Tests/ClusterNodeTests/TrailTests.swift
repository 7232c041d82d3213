import Glibc
import JSON
import Logging
import TestSupport
import Testing

@testable import ClusterNode

/// The chained trail on a node's disk.
@Suite struct TrailTests {
    private func fill(_ folder: String, _ count: Int, from first: Int = 0) {
        var trail = Trail(folder: "\(folder)/audit")
        for number in first..<(first + count) {
            let event: JSONObject = ["event": "denied", "n": JSONValue(number)]
            let isWritten: Bool = trail.append([(time: Int64(number), event: event)])
            #expect(isWritten)
        }
    }

    private func file(_ folder: String) throws -> String {
        "\(folder)/audit/\(try #require(LineFiles.names(in: "\(folder)/audit").first { TrailLine.isFile($0) }))"
    }

    private func rewrite(_ path: String, _ change: (inout [String]) -> Void) throws {
        let text = String(decoding: try #require(LineFiles.read(path)), as: UTF8.self)
        var lines: [String] = text.split(separator: "\n").map { String($0) }
        change(&lines)
        let out: Int32 = open(path, O_WRONLY | O_TRUNC)
        defer { close(out) }
        #expect(LineFiles.append(Array((lines.joined(separator: "\n") + "\n").utf8), to: out))
    }

    @Test func `a trail goes on across starts, and is whole`() async throws {
        try await withFolder { folder in
            fill(folder, 3)
            fill(folder, 4, from: 3)
            let verdict: TrailVerdict = Trail.verify(folder: "\(folder)/audit")
            // The first line of a file says where it begins.
            #expect(
                verdict.problem == nil && verdict.lines == 8 && verdict.from == 1 && verdict.to == 8
                    && verdict.files == 1
            )
            // A line that was not finished when the process died was never there.
            let path: String = try file(folder)
            let out: Int32 = open(path, O_WRONLY | O_APPEND)
            #expect(LineFiles.append(Array(#"{"seq":9,"#.utf8), to: out))
            close(out)
            fill(folder, 1, from: 7)
            let after: TrailVerdict = Trail.verify(folder: "\(folder)/audit")
            #expect(after.problem == nil && after.to == 9)
        }
    }

    @Test func `what is changed, removed, moved or cut off is found`() async throws {
        let changes: [(String, (inout [String]) -> Void)] = [
            ("changed", { $0[3] = $0[3].replacing("\"n\":2", with: "\"n\":5") }), ("removed", { $0.remove(at: 3) }),
            ("moved", { $0.swapAt(2, 3) }), ("cut", { $0.removeLast(2) }), ("beheaded", { $0.removeFirst() }),
            ("doubled", { $0.insert($0[3], at: 3) }), ("garbled", { $0[4] = "x" }), ("emptied", { $0 = [] }),
            // With a hash of its own, but not the rest made anew.
            (
                "forged",
                { lines in
                    let line: (bytes: [UInt8], hash: [UInt8]) = TrailLine.make(
                        ["event": "nothing"],
                        sequence: 4,
                        time: 2,
                        after: TrailLine.start
                    )
                    lines[3] = String(decoding: line.bytes.dropLast(), as: UTF8.self)
                }
            ),
        ]
        for (name, change) in changes {
            try await withFolder { folder in
                fill(folder, 6)
                try rewrite(try file(folder), change)
                #expect(Trail.verify(folder: "\(folder)/audit").problem != nil, "\(name)")
            }
        }
    }

    @Test func `files that are purged leave the rest verifiable, a missing one in between does not`() async throws {
        try await withFolder { folder in
            let long = String(repeating: "x", count: 300_000)
            var trail = Trail(folder: "\(folder)/audit")
            let event: JSONObject = ["event": "denied", "long": .string(long)]
            for number in 0..<180 {
                let isWritten: Bool = trail.append([(time: Int64(number), event: event)])
                #expect(isWritten)
            }
            let names: [String] = LineFiles.names(in: "\(folder)/audit").filter { TrailLine.isFile($0) }
            try #require(names.count >= 3)
            #expect(Trail.verify(folder: "\(folder)/audit").problem == nil)
            unlink("\(folder)/audit/\(names[0])")
            let rest: TrailVerdict = Trail.verify(folder: "\(folder)/audit")
            #expect(rest.problem == nil && rest.from > 1)
            unlink("\(folder)/audit/\(names[1])")
            if names.count > 3 { #expect(Trail.verify(folder: "\(folder)/audit").problem == nil) }
            trail.purge(before: .max)
            #expect(LineFiles.names(in: "\(folder)/audit").count { TrailLine.isFile($0) } == 1)
            #expect(Trail.verify(folder: "\(folder)/audit").problem == nil)
        }
    }

    @Test func `a flood is bounded, and the trail says what was lost`() async throws {
        try await withFolder { folder in
            let journal = Journal(
                DataFolder(folder),
                logger: Logger(label: "audit", level: .error, sink: CapturingLogSink()),
                now: { 5 }
            )
            for number in 0..<20_000 { journal.note(["event": "denied.unauthenticated", "n": JSONValue(number)]) }
            for number in 0..<3 { journal.access(Array("{\"n\":\(number)}".utf8), file: "access.log") }
            journal.access(Array("{}".utf8), file: "other.log")
            await journal.flush()
            let verdict: TrailVerdict = Trail.verify(folder: "\(folder)/audit")
            #expect(verdict.problem == nil && verdict.dropped > 10_000 && verdict.lines < 10_000)
            #expect(Int(verdict.dropped) + verdict.lines - 2 == 20_000)
            let log = String(decoding: try #require(LineFiles.read("\(folder)/logs/access.log")), as: UTF8.self)
            #expect(log == "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n")
            #expect(LineFiles.read("\(folder)/logs/other.log") == Array("{}\n".utf8))
        }
    }
}
