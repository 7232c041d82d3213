import Limits
import Testing

@testable import Gateway

@Suite struct InterceptionTraceTests {
    private func trace(_ id: Int) -> InterceptionTrace {
        InterceptionTrace(
            InterceptionTrace.Facts(
                requestID: "\(id)",
                uuid: nil,
                time: 0,
                subject: InterceptionTrace.Subject(
                    method: "GET",
                    path: "/",
                    template: nil,
                    account: "nobody",
                    destination: nil
                )
            )
        )
    }

    @Test func `the latest come first and the oldest go, however often the ring went round`() {
        let traces = InterceptionTraces()
        let size: Int = Limits.interceptorTraces
        for id in 1...(2 * size + 3) {
            traces.keep(trace(id))
            guard [1, 2, size, size + 1, size + 2, 2 * size, 2 * size + 3].contains(id) else { continue }
            let expected: [String] = (max(1, id - size + 1)...id).reversed().map { "\($0)" }
            #expect(traces.latest(.max).map(\.facts.requestID) == expected, "\(id)")
            #expect(traces.latest(2).map(\.facts.requestID) == Array(expected.prefix(2)))
            #expect(traces.trace("\(id)")?.facts.requestID == "\(id)" && traces.trace("\(id - size)") == nil)
        }
    }
}
