import HTTP
import JSON
import Limits
import TestSupport
import Testing

@testable import Gateway

/// Who may go on now.
@Suite struct AdmissionTests {
    // MARK: Turns

    @Test func `there is room for newcomers beside whoever takes all that it gets`() {
        var queue = FairQueue<String, Int>(capacity: 4, share: 3, waitingOfKey: 10)
        let greedy: [FairQueue<String, Int>.Entry] = (0..<5).map { queue.enter("greedy", $0) }
        #expect(greedy == [.goes, .goes, .goes, .waits, .waits])
        let newcomer: FairQueue<String, Int>.Entry = queue.enter("new", 100)
        #expect(newcomer == .goes)
        let second: FairQueue<String, Int>.Entry = queue.enter("new", 101)
        #expect(second == .waits, "the node is full")
        // What the newcomer gives back is the newcomer's: the greedy one has its share.
        let freed: [Int] = queue.leave("new")
        #expect(freed == [101])
    }

    @Test func `those who wait take turns, each in its order`() {
        var queue = FairQueue<String, String>(capacity: 2, share: 2, waitingOfKey: 10)
        _ = (queue.enter("x", "x0"), queue.enter("x", "x1"))
        for number in 0..<4 { _ = queue.enter("a", "a\(number)") }
        for number in 0..<2 { _ = queue.enter("b", "b\(number)") }
        _ = queue.enter("c", "c0")
        var order: [String] = queue.leave("x")
        while let last: String = order.last, order.count < 7 { order += queue.leave(String(last.prefix(1))) }
        #expect(order == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"])
        #expect(queue.waitingCount == 0 && queue.goingCount == 2)
    }

    @Test func `too many that wait are refused`() {
        var queue = FairQueue<String, Int>(capacity: 1, share: 1, waitingOfKey: 2)
        let entries: [FairQueue<String, Int>.Entry] = (0..<4).map { queue.enter("a", $0) }
        #expect(entries == [.goes, .waits, .waits, .refused])
        let other: FairQueue<String, Int>.Entry = queue.enter("b", 9)
        #expect(other == .waits, "another one has its own line")
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `nobody is lost, nobody goes twice, and no place is left empty`(seed: UInt64) {
        var random = Seeded(seed)
        var queue = FairQueue<Int, Int>(capacity: 5, share: 3, waitingOfKey: 4)
        var going: [Int: Int] = [:]
        var waiting: [Int: [Int]] = [:]
        var key: [Int: Int] = [:]
        for number in 0..<400 {
            let who = Int(random.next() % 4)
            if random.next() % 3 != 0 {
                key[number] = who
                switch queue.enter(who, number) {
                case .goes: going[who, default: 0] += 1
                case .waits: waiting[who, default: []].append(number)
                case .refused: #expect(waiting[who]?.count == 4)
                }
            } else if let some: Int = going.keys.sorted().first(where: { going[$0] ?? 0 > 0 }) {
                going[some]? -= 1
                for freed in queue.leave(some) {
                    let owner: Int = key[freed] ?? -1
                    #expect(waiting[owner]?.first == freed, "in the order in which they came")
                    waiting[owner]?.removeFirst()
                    going[owner, default: 0] += 1
                }
            }
            let all: Int = going.values.reduce(0, +)
            #expect(all <= 5 && going.values.allSatisfy { $0 <= 3 } && queue.goingCount == all)
            for (who, line) in waiting where !line.isEmpty {
                #expect(all == 5 || going[who] == 3, "\(who) waits beside an empty place")
            }
        }
    }

    // MARK: Rates

    @Test func `a bucket fills steadily and holds two seconds' worth`() {
        var ledger = RateLedger<String>(known: 100)
        let first: [Int64] = (0..<21).map { _ in ledger.take("a", perSecond: 10, at: 1_000) }
        #expect(first == Array(repeating: 0, count: 20) + [100])
        let (early, later): (Int64, Int64) = (
            ledger.take("a", perSecond: 10, at: 1_060), ledger.take("a", perSecond: 10, at: 1_100)
        )
        #expect(early == 40 && later == 0)
        let other: Int64 = ledger.take("b", perSecond: 10, at: 1_100)
        #expect(other == 0)
        // A clock that goes back gives nothing.
        let back: Int64 = ledger.take("a", perSecond: 10, at: 0)
        #expect(back == 100)
        let rested: [Int64] = (0..<21).map { _ in ledger.take("a", perSecond: 10, at: 1_000_000) }
        #expect(rested.filter { $0 == 0 }.count == 20)
    }

    @Test func `whoever is remembered costs memory only while it matters`() {
        var ledger = RateLedger<Int>(known: 3)
        for key in 0..<3 { _ = ledger.take(key, perSecond: 1, at: 0) }
        _ = ledger.take(0, perSecond: 1, at: 1_900)
        // The others are full again by now, and make room.
        _ = ledger.take(9, perSecond: 1, at: 2_000)
        let again: [Int64] = [ledger.take(0, perSecond: 1, at: 2_000), ledger.take(0, perSecond: 1, at: 2_000)]
        #expect(again == [0, 900])
    }

    // MARK: At the door

    @Test func `more requests than the setting allows are told when to come again, each caller for itself`()
        async throws
    {
        let world = World()
        #expect(await world.put("/v2-beta/settings/api.requests.per.second", ["value": "5"]).status == 200)
        var statuses: [Int] = []
        var refused: Answer?
        for _ in 0..<12 {
            let answer: Answer = await world.get("/v2-beta/projects", as: .ann)
            statuses.append(answer.status)
            if answer.status == 429 { refused = answer }
        }
        #expect(statuses.filter { $0 == 200 }.count >= 10 && statuses.contains(429), "\(statuses)")
        #expect(refused?.code == "TooManyRequests" && refused?.headers["retry-after"] == "1")
        #expect(await world.get("/v2-beta/projects", as: .project).status == 200)
        #expect(world.gateway.admission.load == (0, 0))
    }

    @Test func `every way through the gateway gives its turn back`() async throws {
        let world = World()
        _ = await world.get("/v2-beta/nothing")
        _ = await world.get("/v2-beta/projects/1a999/stacks", as: .ann)
        _ = await world.put("/v2-beta/settings/api.host", ["value": "nonsense"])
        _ = await world.send("POST", "/v2-beta/projects", as: .ann, headers: [:], body: Array("{".utf8))
        _ = await world.get("/v2-beta/stacks", as: .project)
        #expect(world.gateway.admission.load == (0, 0))
    }
}
