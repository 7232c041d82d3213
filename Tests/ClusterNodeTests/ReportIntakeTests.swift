import HostProtocol
import Limits
import Testing

@testable import ClusterNode

@Suite(.timeLimit(.minutes(1))) struct ReportIntakeTests {
    private func observation(_ uuid: String, _ startCount: UInt64) -> Observation {
        Observation(uuid: uuid, number: 1, generation: 1, condition: .running, startCount: startCount)
    }

    @Test func `of one instance the newest counts, in the order in which instances came`() async throws {
        let intake = ReportIntake()
        #expect(intake.add(Report(isFull: false, observations: [observation("a", 1), observation("b", 1)])))
        #expect(intake.add(Report(isFull: false, observations: [observation("a", 2), observation("c", 1)])))
        #expect(intake.add(Report(isFull: false, observations: [], orphans: [])))
        guard case .observations(let some) = try await intake.next() else {
            Issue.record("orphans came first")
            return
        }
        #expect(some == [observation("a", 2), observation("b", 1), observation("c", 1)])
        guard case .orphans(let orphans) = try await intake.next() else {
            Issue.record("no orphans")
            return
        }
        #expect(orphans.isEmpty)
    }

    @Test func `a thousand reports of the same instances take no more room than one, and a lie has an end`() {
        let intake = ReportIntake()
        let all: [Observation] = (0..<1_000).map { observation("i\($0)", 1) }
        for _ in 0..<100 { #expect(intake.add(Report(isFull: true, observations: all))) }
        var fits: Bool = true
        var count: Int = 1_000
        while fits, count < 100_000 {
            fits = intake.add(
                Report(isFull: false, observations: (count..<count + 1_000).map { observation("i\($0)", 1) })
            )
            count += 1_000
        }
        #expect(!fits && count > Limits.hostInstances)
    }

    @Test func `who waits for work is woken by it, and by being cancelled`() async throws {
        let intake = ReportIntake()
        let waiting = Task { try await intake.next() }
        #expect(intake.add(Report(isFull: false, observations: [observation("a", 1)])))
        guard case .observations = try await waiting.value else {
            Issue.record("something else came")
            return
        }
        let idle = Task { try await intake.next() }
        idle.cancel()
        await #expect(throws: CancellationError.self) { try await idle.value }
    }
}
