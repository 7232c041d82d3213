import HostProtocol
import Testing

@testable import HostRuntime

struct LogDemultiplexerTests {
    private let stream: [UInt8] =
        [1, 0, 0, 0, 0, 0, 0, 3] + Array("ab\n".utf8) + [2, 0, 0, 0, 0, 0, 1, 0] + [UInt8](repeating: 7, count: 256)

    @Test func `the two streams come apart however they are cut`() {
        for size in [1, 2, 5, 7, 8, 9, 100, 1000] {
            var demultiplexer = LogDemultiplexer(isTerminal: false)
            var out: [LogKind: [UInt8]] = [:]
            for start in stride(from: 0, to: stream.count, by: size) {
                let part: [UInt8] = Array(stream[start..<min(start + size, stream.count)])
                for piece in demultiplexer.add(part) ?? [] { out[piece.kind, default: []] += piece.bytes }
            }
            #expect(out[.stdout] == Array("ab\n".utf8))
            #expect(out[.stderr] == [UInt8](repeating: 7, count: 256))
        }
    }

    @Test func `what is no such stream is refused`() {
        var demultiplexer = LogDemultiplexer(isTerminal: false)
        #expect(demultiplexer.add(Array("plain text".utf8)) == nil)
    }

    @Test func `lines are cut at their ends, and long ones at the limit`() {
        var splitter = LineSplitter(limitBytes: 4)
        #expect(splitter.add(Array("a\nbcdefg".utf8)).map { String(decoding: $0, as: UTF8.self) } == ["a\n", "bcde"])
        #expect(splitter.add(Array("h\n".utf8)).map { String(decoding: $0, as: UTF8.self) } == ["fgh\n"])
        #expect(splitter.finish() == nil)
    }
}
