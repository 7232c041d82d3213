import Limits
import StoreFormat
import Testing

@testable import Store

struct SessionTests {
    private static func open(_ store: Store, nonce: UInt64 = 7) -> SessionID {
        let index: Revision = store.appliedIndex + 1
        #expect(
            store.apply(index: index, transaction([.openSession(nonce: nonce)]))
                == .committed(revision: index, numbers: [])
        )
        return SessionID(opened: index, nonce: nonce)
    }

    private static func run(
        _ store: Store,
        _ session: SessionID,
        _ sequence: UInt64,
        below: UInt64 = 1,
        _ writes: [Write] = [create(0)],
        if preconditions: [Precondition] = []
    ) -> TransactionOutcome {
        let ticket = SessionTicket(session: session, sequence: sequence, answeredBelow: below)
        return store.apply(
            index: store.appliedIndex + 1,
            transaction(writes, if: preconditions, created: 1, ticket: ticket)
        )
    }

    @Test func `a retry gets the first answer and runs no second time`() {
        let store = Store()
        let session: SessionID = Self.open(store)
        #expect(Self.run(store, session, 1) == .committed(revision: 2, numbers: [1]))
        #expect(Self.run(store, session, 2) == .committed(revision: 3, numbers: [2]))
        #expect(Self.run(store, session, 1) == .committed(revision: 2, numbers: [1]))
        #expect(store.view.recordCount == 2)
    }

    @Test func `a refusal is an answer too`() {
        let store = Store()
        let session: SessionID = Self.open(store)
        let absent: Precondition = .absent(RecordKey(services, 1))
        _ = store.apply(index: 2, transaction([put(1)]))
        #expect(Self.run(store, session, 1, if: [absent]) == .refused(.present(RecordKey(services, 1))))
        _ = store.apply(index: 4, transaction([.delete(services, .known(1))]))
        #expect(Self.run(store, session, 1, if: [absent]) == .refused(.present(RecordKey(services, 1))))
        #expect(store.view.recordCount == 0)
    }

    @Test func `requests may arrive in any order`() {
        let store = Store()
        let session: SessionID = Self.open(store)
        for sequence: UInt64 in [3, 1, 9, 2] { #expect(!Self.run(store, session, sequence).isRefused) }
        #expect(Self.run(store, session, 9) == .committed(revision: 4, numbers: [3]))
    }

    @Test func `a confirmed reply is forgotten and its request does not run again`() {
        let store = Store()
        let session: SessionID = Self.open(store)
        for sequence: UInt64 in 1...4 { _ = Self.run(store, session, sequence) }
        #expect(!Self.run(store, session, 5, below: 4).isRefused)
        #expect(store.view.session(session) == Session(answeredBelow: 4, lastUsed: 6, replies: 2))
        #expect(Self.run(store, session, 3) == .refused(.sessionExpired(sequence: 3)))
        #expect(Self.run(store, session, 4) == .committed(revision: 5, numbers: [4]))
        #expect(store.view.recordCount == 5)
    }

    @Test func `a client may confirm all that lies below its request, and nothing above`() {
        let store = Store()
        let session: SessionID = Self.open(store)
        for sequence: UInt64 in 1...3 { _ = Self.run(store, session, sequence) }
        #expect(!Self.run(store, session, 4, below: 4).isRefused)
        #expect(store.view.session(session)?.answeredBelow == 4 && store.view.session(session)?.replies == 1)
        _ = Self.run(store, session, 5, below: 6)
        #expect(store.view.session(session)?.answeredBelow == 4, "it confirms its own request")
        #expect(!Self.run(store, session, 6, below: 2).isRefused)
        #expect(store.view.session(session)?.answeredBelow == 4 && store.view.session(session)?.replies == 3)
    }

    @Test func `a session that was never opened runs nothing`() {
        let store = Store()
        #expect(Self.run(store, SessionID(opened: 1, nonce: 1), 1) == .refused(.sessionExpired(sequence: 1)))
        #expect(store.view.recordCount == 0)
    }

    @Test func `an evicted session never runs again, not even when its opening comes twice`() {
        let store = Store()
        let first: SessionID = Self.open(store)
        #expect(!Self.run(store, first, 1).isRefused)
        let second: SessionID = Self.open(store)
        #expect(first != second, "the same nonce opened again is another session")
        for nonce in 0..<UInt64(Limits.sessions) - 2 { _ = Self.open(store, nonce: nonce) }
        #expect(store.view.session(first) != nil)
        _ = Self.run(store, first, 2)
        _ = Self.open(store)
        #expect(store.view.sessionCount == Limits.sessions)
        #expect(store.view.session(first) != nil, "it was used after the second was")
        #expect(store.view.session(second) == nil, "the least recently used goes first")
        for nonce in 0..<UInt64(Limits.sessions) { _ = Self.open(store, nonce: nonce) }
        #expect(store.view.session(first) == nil)
        let count: Int = store.view.recordCount
        for sequence: UInt64 in 1...3 {
            #expect(Self.run(store, first, sequence) == .refused(.sessionExpired(sequence: sequence)))
        }
        #expect(store.view.recordCount == count)
        #expect(store.view.replies.count == 0, "replies go with their session")
    }

    @Test func `of two sessions of one entry the older goes first`() {
        let store = Store()
        let first: SessionID = Self.open(store)
        #expect(!Self.run(store, first, 1, [create(0), .openSession(nonce: 9)]).isRefused)
        let second = SessionID(opened: store.appliedIndex, nonce: 9)
        #expect(store.view.session(first)?.lastUsed == store.view.session(second)?.lastUsed)
        for nonce in 0..<UInt64(Limits.sessions) - 1 { _ = Self.open(store, nonce: nonce) }
        #expect(store.view.session(first) == nil)
        #expect(store.view.session(second) != nil)
    }

    @Test func `a client that confirms nothing loses its oldest answers, and nothing runs twice`() {
        let store = Store()
        let session: SessionID = Self.open(store)
        let last = UInt64(Limits.sessionOutstanding) + 3
        for sequence in 1...last where sequence != 2 { _ = Self.run(store, session, sequence) }
        #expect(store.view.session(session)?.replies == Limits.sessionOutstanding)
        // 1 and 3 were dropped; 2 never ran, and must not: whether it did can no longer be told.
        for sequence: UInt64 in [1, 2, 3] {
            #expect(Self.run(store, session, sequence) == .refused(.sessionExpired(sequence: sequence)))
        }
        #expect(!Self.run(store, session, 4).isRefused)
        #expect(store.view.recordCount == Int(last) - 1)
    }
}
