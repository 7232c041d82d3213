import Glibc
import JSON
import Testing

@testable import Logging

struct LogFormatTests {
    private func line(_ format: LogFormat, _ metadata: JSONObject, message: String = "it happened") -> String {
        let record = LogRecord(
            time: LogTime(milliseconds: 0),
            level: .info,
            label: "raft",
            message: message,
            metadata: metadata
        )
        return String(decoding: format.line(record), as: UTF8.self)
    }

    @Test func `json holds the record and its metadata in one object`() {
        let expected: String =
            #"{"time":"1970-01-01T00:00:00.000Z","level":"info","label":"raft","message":"it happened","raft.term":3}"#
        #expect(line(.json, ["raft.term": 3]) == expected + "\n")
    }

    @Test func `text quotes only what is not plain`() {
        let text: String = line(
            .text,
            ["raft.term": 3, "node": "a", "why": "a b", "none": "", "ids": [1, 2], "ok": true, "nil": nil]
        )
        let expected: String =
            #"time=1970-01-01T00:00:00.000Z level=info label=raft message="it happened" raft.term=3 node=a"#
            + #" why="a b" none="" ids="[1,2]" ok=true nil=null"#
        #expect(text == expected + "\n")
    }

    @Test(arguments: LogFormat.allCases)
    func `data can forge neither a line nor a terminal sequence`(_ format: LogFormat) throws {
        let evil: String = "x\r\nlevel=error\u{1B}[2J\u{9B}1m\u{7F}\u{2028}\u{202E}\u{85}\0"
        let text: String = line(format, ["a": .string(evil), "b": [.string(evil)]], message: evil)
        #expect(text.utf8.filter { $0 == 0x0A }.count == 1)
        for scalar in text.unicodeScalars.dropLast() {
            #expect(
                scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
                    && !(0x2028...0x202E).contains(scalar.value)
            )
        }
        if format == .json { #expect(try JSONReader.parse(text)["a"] == .string(evil)) }
    }

    @Test func `keys can forge nothing either`() throws {
        let text: String = line(.text, ["a\n b=": 1])
        #expect(text.contains(" a__b_=1\n"))
        let parsed: JSONValue = try JSONReader.parse(line(.json, ["level": "error", "time": 1]))
        #expect(parsed["level"] == "info")
        #expect(parsed["field.level"] == "error")
    }

    @Test func `long values are cut and tell their length`() {
        let text: String = line(.text, ["a": .string(String(repeating: "x", count: 100_000))])
        #expect(text.utf8.count < 5_000)
        #expect(text.contains("(100000 bytes)"))
    }

    @Test func `a descriptor gets one line for each record`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let logger = Logger(
            label: "test",
            level: .info,
            sink: DescriptorLogSink(descriptor: ends[1], format: .json)
        )
        logger.info("first")
        logger.info("second", ["n": 2])
        close(ends[1])
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count: Int = read(ends[0], &buffer, buffer.count)
        close(ends[0])
        let lines: [Substring] = String(decoding: buffer[..<max(0, count)], as: UTF8.self).split(separator: "\n")
        #expect(try lines.map { try JSONReader.parse(String($0))["message"] } == ["first", "second"])
    }

    @Test func `a reader that stands still costs records and the next line says so`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        for end in ends { try #require(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
        defer {
            close(ends[0])
            close(ends[1])
        }
        let filler = [UInt8](repeating: UInt8(ascii: "\n"), count: 65_536)
        try #require(write(ends[1], filler, filler.count) == filler.count)
        let logger = Logger(
            label: "test",
            level: .info,
            sink: DescriptorLogSink(descriptor: ends[1], format: .text)
        )
        logger.info("lost")
        var buffer = [UInt8](repeating: 0, count: 65_536)
        try #require(read(ends[0], &buffer, buffer.count) == buffer.count)
        logger.info("kept")
        let count: Int = read(ends[0], &buffer, buffer.count)
        let text = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        #expect(text.contains("log.dropped=1"))
        #expect(text.contains("message=kept"))
        #expect(!text.contains("lost"))
    }
}
