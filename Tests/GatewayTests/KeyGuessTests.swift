import Crypto
import HTTP
import JSON
import Limits
import Logging
import Metrics
import Testing

@testable import Gateway

/// Whoever tries secrets of keys waits, and nobody else.
@Suite(.timeLimit(.minutes(2))) struct KeyGuessTests {
    private static func world() -> World { World() }

    private static func ask(_ world: World, _ key: String, _ secret: String, from address: String) async -> Answer {
        await world.send(
            "GET",
            "/v2-beta/projects",
            as: .nobody,
            headers: ["Authorization": World.basic(key, secret)],
            peer: address
        )
    }

    // MARK: Through the gateway

    @Test func `wrong secrets make whoever tries them wait, also for the right one`() async throws {
        let world: World = Self.world()
        for number in 0..<Limits.guessesOfKey {
            let answer: Answer = await Self.ask(world, "bob-key", "guess \(number)", from: "198.51.100.9")
            #expect(answer.status == 401 && answer.headers["www-authenticate"] != nil)
        }
        let late: Answer = await Self.ask(world, "bob-key", "guess", from: "198.51.100.9")
        #expect(late.status == 429 && late.code == "TooManyRequests" && late.headers["retry-after"] == "1", "\(late)")
        #expect(await Self.ask(world, "bob-key", "bob-secret", from: "198.51.100.9").status == 429)
        // Its owner, at another address, does not even notice; nor does another key at the same one.
        #expect(await Self.ask(world, "bob-key", "bob-secret", from: "192.0.2.7").status == 200)
        #expect(await Self.ask(world, "ann-key", "ann-secret", from: "198.51.100.9").status == 200)
        world.clock.advance(Limits.guessPauseMilliseconds)
        #expect(await Self.ask(world, "bob-key", "bob-secret", from: "198.51.100.9").status == 200)
    }

    @Test func `a key that is in use is not given away faster than an unused one`() async throws {
        let world: World = Self.world()
        // The gateway knows the caller by its header now, and need not compare.
        #expect(await Self.ask(world, "bob-key", "bob-secret", from: "192.0.2.7").status == 200)
        for number in 0..<Limits.guessesOfKey {
            #expect(await Self.ask(world, "bob-key", "guess \(number)", from: "198.51.100.9").status == 401)
        }
        #expect(await Self.ask(world, "bob-key", "bob-secret", from: "198.51.100.9").status == 429)
        #expect(await Self.ask(world, "bob-key", "bob-secret", from: "192.0.2.7").status == 200)
    }

    @Test func `keys that nobody has cost as many turns as those that somebody has`() async throws {
        let world: World = Self.world()
        for number in 0..<Limits.guessesOfKey {
            #expect(await Self.ask(world, "no-such-key", "guess \(number)", from: "198.51.100.9").status == 401)
        }
        #expect(await Self.ask(world, "no-such-key", "guess", from: "198.51.100.9").status == 429)
    }

    @Test func `one wrong key that is shown again and again is no guessing`() async throws {
        let world: World = Self.world()
        for _ in 0..<(4 * Limits.guessesOfKeysOfAddress) {
            #expect(await Self.ask(world, "removed-key", "its secret", from: "198.51.100.9").status == 401)
        }
        #expect(await Self.ask(world, "bob-key", "bob-secret", from: "198.51.100.9").status == 200)
    }

    @Test func `an address that tries many keys waits, except with those that were right there before`() async throws {
        let world: World = Self.world()
        #expect(await Self.ask(world, "ann-key", "ann-secret", from: "198.51.100.9").status == 200)
        for number in 0..<Limits.guessesOfKeysOfAddress {
            #expect(await Self.ask(world, "key-\(number)", "guess", from: "198.51.100.9").status == 401)
        }
        #expect(await Self.ask(world, "another", "guess", from: "198.51.100.9").status == 429)
        #expect(await Self.ask(world, "bob-key", "bob-secret", from: "198.51.100.9").status == 429)
        #expect(await Self.ask(world, "ann-key", "ann-secret", from: "198.51.100.9").status == 200)
        #expect(await Self.ask(world, "bob-key", "bob-secret", from: "198.51.100.10").status == 200)
    }

    @Test func `guessing is told of in the log and the node's trail, without what was tried`() async throws {
        let world: World = Self.world()
        for number in 0..<(2 * Limits.guessesOfKey) {
            world.clock.advance(Limits.guessKeyWaitMilliseconds)
            #expect(await Self.ask(world, "bob-key", "planted \(number)", from: "198.51.100.9").status == 401)
        }
        let told: [JSONObject] = world.past.events.filter { $0["event"] == "key.guessed" }
        #expect(told.compactMap { $0["count"]?.int } == [5, 10])
        #expect(told.allSatisfy { $0["client"] == "198.51.100.9" })
        #expect(world.log.records.count { $0.metadata["audit"] == "key.guessed" } == 2)
        #expect(!"\(world.past.events) \(world.log.records)".contains("planted"))
    }

    @Test func `while access control is off nobody is refused, and nothing is counted`() async throws {
        let world = World(settings: [("api.security.enabled", "false")])
        for number in 0..<(2 * Limits.guessesOfKeysOfAddress) {
            #expect(await Self.ask(world, "bob-key", "guess \(number)", from: "198.51.100.9").status == 200)
        }
    }

    @Test func `metrics are no place to try keys at`() async throws {
        let world = World(settings: [("metrics.access", "accounts")])
        func ask(_ secret: String) -> Int {
            let headers: HTTPHeaders = ["Authorization": World.basic("bob-key", secret)]
            let request = HTTPRequest(method: "GET", target: "/metrics", headers: headers, body: [])
            return world.gateway.metricsRefusal(request)?.status ?? 200
        }
        #expect(ask("bob-secret") == 200)
        for number in 0..<Limits.guessesOfKey { #expect(ask("guess \(number)") == 401) }
        #expect(ask("guess") == 429)
        world.clock.advance(Limits.guessPauseMilliseconds)
        #expect(ask("bob-secret") == 200)
    }

    // MARK: The ledger

    @Test func `many addresses together get one guess each for nothing`() {
        var ledger = KeyGuessLedger()
        for number in 0..<Limits.guessesOfKey {
            _ = ledger.failed(.init("k", "10.0.0.\(number)"), guess: number, at: 0)
        }
        #expect(ledger.wait(.init("k", "10.0.0.0"), at: 0) == Limits.guessPauseMilliseconds)
        #expect(ledger.wait(.init("k", "10.0.1.0"), at: 0) == 0, "it has not failed")
        #expect(ledger.wait(.init("other", "10.0.0.0"), at: 0) == 0)
        _ = ledger.failed(.init("k", "10.0.1.0"), guess: 99, at: 0)
        #expect(ledger.wait(.init("k", "10.0.1.0"), at: 0) > 0)
    }

    @Test func `one good key does not buy guesses at others`() {
        var ledger = KeyGuessLedger()
        for number in 0..<(3 * Limits.guessesOfKeysOfAddress) {
            _ = ledger.failed(.init("k\(number)", "10.0.0.1"), guess: number, at: 0)
            ledger.succeeded(.init("mine", "10.0.0.1"), at: 0)
        }
        #expect(ledger.wait(.init("new", "10.0.0.1"), at: 0) == Limits.guessKeysAddressWaitMilliseconds)
        #expect(ledger.wait(.init("mine", "10.0.0.1"), at: 0) == 0)
        #expect(ledger.wait(.init("new", "10.0.0.1"), at: Limits.guessMemoryMilliseconds) == 0)
    }

    @Test func `it stays small`() {
        var ledger = KeyGuessLedger()
        for number in 0..<(3 * Limits.guessersKnown) {
            let address: String = "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)"
            _ = ledger.failed(.init("k\(number)", address), guess: number, at: Int64(number))
            ledger.succeeded(.init("good \(number)", address), at: Int64(number))
        }
        let sizes: [Int] = [
            ledger.keys.count, ledger.pairs.count, ledger.addresses.count, ledger.known.count, ledger.tried.count,
        ]
        #expect(sizes.allSatisfy { $0 <= Limits.guessersKnown && $0 > Limits.guessersKnown / 4 }, "\(sizes)")
    }
}
