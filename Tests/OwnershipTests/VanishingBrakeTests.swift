import Testing

@testable import Ownership

struct VanishingBrakeTests {
    struct Row: Sendable {
        var what: String
        var present: Int
        var away: [Int64]
        var givenUp: Int = 0
        var pulls: Int?
    }

    static let table: [Row] = [
        Row(what: "no host at all", present: 0, away: [], pulls: nil),
        Row(what: "all are here", present: 5, away: [], pulls: nil),
        Row(what: "the only host", present: 0, away: [0], pulls: nil),
        Row(what: "one of two", present: 1, away: [0], pulls: nil),
        Row(what: "both of two", present: 0, away: [0, 10], pulls: 2),
        Row(what: "one of three", present: 2, away: [0], pulls: nil),
        Row(what: "two of three", present: 1, away: [0, 60_000], pulls: 2),
        Row(what: "two of three, a minute apart", present: 1, away: [0, 60_001], pulls: nil),
        Row(what: "three of ten are not more than 30 %", present: 7, away: [0, 1, 2], pulls: nil),
        Row(what: "four of ten", present: 6, away: [0, 1, 2, 3], pulls: 4),
        Row(what: "four of ten, one after another", present: 6, away: [0, 70_000, 140_000, 210_000], pulls: nil),
        Row(what: "the worst minute counts", present: 3, away: [0, 100_000, 100_001, 100_002, 300_000], pulls: 3),
        Row(what: "what was given up does not count", present: 7, away: [0, 1, 2], givenUp: 1, pulls: nil),
    ]

    @Test(arguments: table)
    func `pulls as the table says`(row: Row) {
        let hosts: [VanishingBrake.Host] =
            Array(repeating: .init(awaySince: nil), count: row.present) + row.away.map { .init(awaySince: $0) }
            + Array(repeating: .init(awaySince: 1, isGivenUp: true), count: row.givenUp)
        let brake = VanishingBrake(hosts.reversed())
        #expect(brake?.vanished == row.pulls, "\(row.what)")
        if let brake {
            #expect(brake.reason.hasPrefix("\(brake.vanished) of \(brake.hosts) hosts vanished within a minute"))
        }
    }

    @Test func `it ends when hosts are back, or are given up`() {
        var hosts: [VanishingBrake.Host] = (0..<5).map { .init(awaySince: $0 < 2 ? 50 : nil) }
        #expect(VanishingBrake(hosts) != nil)
        var back: [VanishingBrake.Host] = hosts
        back[0].awaySince = nil
        #expect(VanishingBrake(back) == nil)
        hosts[0].isGivenUp = true
        #expect(VanishingBrake(hosts) == nil)
    }
}

struct PeerLedgerTests {
    @Test func `nobody was heard when the leader is elected`() {
        var ledger = PeerLedger(electedAt: 1_000)
        #expect(ledger.silence(of: "b", at: 1_500) == nil)
        #expect(ledger.steadiness(of: "b", at: 1_500) == 0)
        ledger.heard("b", at: 999)
        #expect(ledger.silence(of: "b", at: 1_500) == nil)
        #expect(ledger.sinceElection(at: 1_500) == 500)
    }

    @Test func `steadiness begins anew after a pause`() {
        var ledger = PeerLedger(electedAt: 0)
        for time in stride(from: Int64(100), through: 3_000, by: 100) { ledger.heard("b", at: time) }
        #expect(ledger.silence(of: "b", at: 3_050) == 50)
        #expect(ledger.steadiness(of: "b", at: 3_050) == 2_950)
        #expect(ledger.steadiness(of: "b", at: 4_000) == 0)
        ledger.heard("b", at: 4_100)
        ledger.heard("b", at: 50)
        #expect(ledger.steadiness(of: "b", at: 4_200) == 100)
        ledger.forget("b")
        #expect(ledger.silence(of: "b", at: 4_200) == nil)
    }
}
