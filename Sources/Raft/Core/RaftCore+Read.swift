/// Linearizable reads without writing: ReadIndex (Raft dissertation, section 6.4).
///
/// No clock is trusted: every read is confirmed by a majority after it was asked.
extension RaftCore {
    mutating func onRead(_ ids: [UInt64]) {
        guard !ids.isEmpty else { return }
        if role == .leader {
            reads.wait(ReadRounds.Request(ids: ids, from: id))
            startReads()
        } else if let leader {
            send(.readRequest(ids: ids), to: leader)
        } else {
            news.append(.readRefused(ids: ids, leader: nil))
        }
    }

    mutating func onReadRequest(ids: [UInt64], from member: MemberID) {
        guard role == .leader else { return send(.readRefused(ids: ids), to: member) }
        reads.wait(ReadRounds.Request(ids: ids, from: member))
        startReads()
    }

    /// A new leader does not know what is committed until it has committed an entry of its own term.
    var hasCommittedInTerm: Bool { log.term(at: commit) == ballot.term }

    mutating func startReads() {
        guard role == .leader, !reads.isUnderWay, !reads.waiting.isEmpty, hasCommittedInTerm else { return }
        reads.begin(at: commit)
        // A lone voter needs nobody, so nobody is asked.
        if !quorum.agrees({ $0 == id }) { broadcastHeartbeat() }
        finishReads()
    }

    mutating func finishReads() {
        let round: UInt64 = reads.round
        let isConfirmed: Bool =
            flaws.contains(.readsWithoutRound) || quorum.agrees { $0 == id || hasConfirmed($0, round) }
        guard reads.isUnderWay, isConfirmed else { return }
        let (requests, index): ([ReadRounds.Request], LogIndex) = reads.finish()
        for request in requests {
            if request.from == id {
                reads.answer(request.ids, at: index)
            } else {
                send(.readReply(ids: request.ids, index: index), to: request.from)
            }
        }
        startReads()
    }

    /// A member that lost its log may have forgotten a vote, too: it does not confirm a leader.
    private func hasConfirmed(_ member: MemberID, _ round: UInt64) -> Bool {
        progress[member]?.round == round && progress[member]?.hasLostLog == false
    }

    mutating func refuseReads(leader: MemberID?) {
        for request in reads.drop() {
            if request.from == id {
                news.append(.readRefused(ids: request.ids, leader: leader))
            } else {
                send(.readRefused(ids: request.ids), to: request.from)
            }
        }
    }
}
