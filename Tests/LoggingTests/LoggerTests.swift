import JSON
import Testing

@testable import Logging

struct LoggerTests {
    @Test func `a logger writes its level and what matters more`() {
        for level in LogLevel.allCases {
            let sink = CapturingLogSink()
            let logger = Logger(label: "test", level: level, sink: sink)
            logger.error("e")
            logger.notice("n")
            logger.info("i")
            logger.debug("d")
            #expect(sink.records.map(\.level) == LogLevel.allCases.filter { $0 <= level })
        }
    }

    @Test func `metadata of a level that is off is never built`() {
        let logger = Logger(label: "test", level: .info, sink: CapturingLogSink())
        var built: Int = 0
        func metadata() -> JSONObject {
            built += 1
            return [:]
        }
        logger.debug("quiet", metadata())
        #expect(built == 0)
        logger.info("loud", metadata())
        #expect(built == 1)
    }

    @Test func `bound metadata stands in each record and a record may override it`() {
        let sink = CapturingLogSink()
        let logger: Logger = Logger(label: "test", level: .info, sink: sink).with(["request.id": "r1", "a": 1])
        logger.labelled("part").info("done", ["a": 2])
        #expect(sink.records.first?.label == "part")
        #expect(sink.records.first?.metadata == ["request.id": "r1", "a": 2])
    }

    @Test func `a secret never shows itself`() {
        struct Configuration {
            var password = Secret("hunter2")
        }
        let secret = Secret("hunter2")
        var dumped: String = ""
        dump(Configuration(), to: &dumped)
        for text in [
            "\(secret)", String(reflecting: secret), "\(Configuration())", dumped, "\(Optional(secret) as Any)",
        ] {
            #expect(!text.contains("hunter2"), "\(text)")
        }
        #expect(secret.reveal() == "hunter2")
    }
}

struct LogTimeTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
        (4_107_542_400_007, "2100-03-01T00:00:00.007Z"), (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
    ])
    func `moments are written as RFC 3339`(milliseconds: Int64, text: String) {
        #expect(LogTime(milliseconds: milliseconds).description == text)
    }

    @Test func `the clock tells this century`() {
        #expect(LogTime.now().description.hasPrefix("20"))
    }
}
