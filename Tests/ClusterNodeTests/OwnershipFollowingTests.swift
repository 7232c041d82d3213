import EventLoop
import JSON
import Logging
import Model
import Store
import StoreFormat
import Synchronization
import Testing

@testable import ClusterNode

/// What a process may act under, by what the state says.
@Suite(.timeLimit(.minutes(1))) struct OwnershipFollowingTests {
    /// An ownership that follows a state in memory, and what it told.
    private final class Rig: Sendable {
        let state = MemoryState()
        let loop: EventLoop
        let ownership: Ownership
        private let told = Mutex<[Ownership.Change]>([])

        init(patience: Int = 10_000) throws {
            loop = try EventLoop.start()
            ownership = Ownership(
                state: state,
                node: "node1",
                loop: loop,
                logger: Logger(label: "test", level: .error, sink: CapturingLogSink()),
                now: { 1 },
                patience: patience
            )
            for number: UInt64 in 5...7 {
                let project: JSONObject = [
                    "kind": "project", "name": "env", "state": "active", "uuid": .string("\(number)"),
                ]
                state.write([RecordWriting.put(.account, .known(number), project, scope: .known(number))])
            }
            ownership.listen { change in self.told.withLock { $0.append(change) } }
        }

        /// Without those of scope 7, which is there to see that it runs.
        var changes: [Ownership.Change] { told.withLock { $0.filter { $0.scope != 7 } } }

        func assign(_ scope: UInt64, to node: String) {
            state.write([.assignScope(scope: .known(scope), node: node)])
        }

        func epoch(_ scope: UInt64) -> UInt64 { state.store.view.epoch(scope)?.epoch ?? 0 }

        func running(_ body: () async throws -> Void) async throws {
            let task = Task { await ownership.run() }
            let result: Result<Void, any Error>
            do {
                assign(7, to: "node1")
                try await wait("it runs") { ownership.epoch(of: 7) != nil }
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            task.cancel()
            state.store.closeWatches()
            await task.value
            await ownership.settle()
            await loop.stop()
            try result.get()
        }

        func wait(_ what: String, until condition: () -> Bool) async throws {
            for _ in 0..<1_000 {
                if condition() { return }
                try await loop.sleep(milliseconds: 5)
            }
            Issue.record("\(what): \(changes)")
            throw RigFault(message: what)
        }
    }

    @Test func `what an earlier process had is taken anew, and nothing is done under its epochs`() async throws {
        let rig = try Rig()
        rig.assign(5, to: "node1")
        rig.assign(6, to: "node2")
        let old: UInt64 = rig.epoch(5)
        try await rig.running {
            // It is held a moment before anybody is told.
            try await rig.wait("the scope is taken anew, and told") { !rig.changes.isEmpty }
            #expect(rig.epoch(5) > old)
            #expect(rig.changes == [.gained(scope: 5, epoch: rig.epoch(5))])
            #expect(rig.ownership.scopes == [5, 7])
        }
    }

    @Test func `a scope that another node is given is lost, and never held again under that epoch`() async throws {
        let rig = try Rig()
        try await rig.running {
            rig.assign(5, to: "node1")
            try await rig.wait("gained") { rig.changes.count == 1 }
            let first: UInt64 = rig.epoch(5)
            rig.assign(5, to: "node2")
            try await rig.wait("lost") { rig.changes.count == 2 }
            #expect(rig.ownership.epoch(of: 5) == nil)
            #expect(rig.changes == [.gained(scope: 5, epoch: first), .lost(scope: 5, epoch: first)])
        }
    }

    @Test func `a release returns when everybody was told, and the epoch is not taken up again`() async throws {
        let rig = try Rig()
        let slow = Mutex<Bool>(false)
        rig.ownership.listen { change in
            guard case .lost = change else { return }
            try? await rig.loop.sleep(milliseconds: 50)
            slow.withLock { $0 = true }
        }
        try await rig.running {
            rig.assign(5, to: "node1")
            try await rig.wait("gained") { rig.changes.count == 1 }
            let epoch: UInt64 = rig.epoch(5)
            // The second one, of the next leader, waits for the same end.
            async let one: Void = rig.ownership.release(5, epoch: epoch)
            await rig.ownership.release(5, epoch: epoch)
            #expect(slow.withLock { $0 })
            await one
            // Any change makes it look again.
            rig.assign(6, to: "node1")
            try await rig.wait("gained") { rig.ownership.epoch(of: 6) != nil }
            #expect(rig.ownership.epoch(of: 5) == nil)
        }
    }

    @Test func `a scope that was released in vain is taken again`() async throws {
        let rig = try Rig(patience: 20)
        try await rig.running {
            rig.assign(5, to: "node1")
            try await rig.wait("gained") { rig.ownership.epoch(of: 5) != nil }
            let epoch: UInt64 = rig.epoch(5)
            await rig.ownership.release(5, epoch: epoch)
            try await rig.wait("gained again") { (rig.ownership.epoch(of: 5) ?? 0) > epoch }
        }
    }

    @Test func `an epoch that is to be released before it has come here is let pass`() async throws {
        let rig = try Rig()
        try await rig.running {
            await rig.ownership.release(5, epoch: 1)
            rig.assign(5, to: "node1")
            rig.assign(6, to: "node1")
            try await rig.wait("gained") { rig.ownership.epoch(of: 6) != nil }
            #expect(rig.epoch(5) == 1 && rig.ownership.epoch(of: 5) == nil)
        }
    }

    @Test func `losses and gains of one scope are told in order, and other scopes do not wait`() async throws {
        let rig = try Rig()
        let order = Mutex<[Ownership.Change]>([])
        let (gate, opens) = AsyncStream.makeStream(of: Void.self)
        rig.ownership.listen { change in
            if change == .lost(scope: 5, epoch: 1) { for await _ in gate { break } }
            order.withLock { $0.append(change) }
        }
        try await rig.running {
            rig.assign(5, to: "node1")
            try await rig.wait("gained") { rig.ownership.epoch(of: 5) == 1 }
            rig.assign(5, to: "node2")
            try await rig.wait("lost") { rig.changes.contains(.lost(scope: 5, epoch: 1)) }
            rig.assign(5, to: "node1")
            rig.assign(6, to: "node1")
            try await rig.wait("the other scope") { order.withLock { $0.contains(.gained(scope: 6, epoch: 1)) } }
            #expect(order.withLock { !$0.contains(.gained(scope: 5, epoch: 3)) })
            opens.yield()
            try await rig.wait("in order") {
                order.withLock { $0.filter { $0.scope == 5 } }
                    == [.gained(scope: 5, epoch: 1), .lost(scope: 5, epoch: 1), .gained(scope: 5, epoch: 3)]
            }
        }
    }
}
