/// Where every message enters: whom we listen to at all, and what its term means.
extension RaftCore {
    mutating func onMessage(_ message: Message) {
        guard message.group == group else { return note(.foreignMessage(from: message.from, message.group)) }
        guard message.to == id, message.from != id else { return }
        guard !configuration.removed.contains(message.from) else { return note(.removedSender(message.from)) }
        if message.term > ballot.term {
            guard meetsHigherTerm(message) else { return }
        } else if message.term < ballot.term {
            return answerOldTerm(message)
        }
        deliver(message)
    }

    /// - Returns: whether the message is to be looked at.
    private mutating func meetsHigherTerm(_ message: Message) -> Bool {
        switch message.body {
        case .preVoteRequest:
            // Its term is one that nobody has yet.
            return !protectsLeader(against: message.from)
        case .voteRequest(let request):
            guard request.isTransfer || !protectsLeader(against: message.from) else { return false }
        case .preVoteReply(granted: true):
            return true
        default: break
        }
        adopt(term: message.term, leader: message.isFromLeader ? message.from : nil)
        return true
    }

    /// Tells those who act in an old term, so that they stop; other old messages mean nothing any more.
    private mutating func answerOldTerm(_ message: Message) {
        switch message.body {
        case .append, .heartbeat: send(.outdated, to: message.from)
        case .preVoteRequest: send(.preVoteReply(granted: false), to: message.from)
        case .voteRequest: send(.voteReply(granted: false), to: message.from)
        case .readRequest(let ids): send(.readRefused(ids: ids), to: message.from)
        default: break
        }
    }

    private mutating func deliver(_ message: Message) {
        let from: MemberID = message.from
        switch message.body {
        case .preVoteRequest(let request): onPreVoteRequest(request, message)
        case .preVoteReply(let granted): onPreVoteReply(granted: granted, message)
        case .voteRequest(let request): onVoteRequest(request, message)
        case .voteReply(let granted): onVoteReply(granted: granted, message)
        case .append(let request):
            heard(from: from)
            onAppend(request, from: from)
        case .heartbeat(let commit, let round):
            heard(from: from)
            onHeartbeat(commit: commit, round: round, from: from)
        case .campaignNow:
            heard(from: from)
            onCampaignNow()
        case .appendAccepted(let match): onAppendAccepted(match: match, from: from)
        case .appendRejected(let rejection): onAppendRejected(rejection, from: from)
        case .heartbeatReply(let round): onHeartbeatReply(round: round, from: from)
        case .readRequest(let ids): onReadRequest(ids: ids, from: from)
        case .readReply(let ids, let index): news.append(.readReady(ids: ids, index: index))
        case .readRefused(let ids): news.append(.readRefused(ids: ids, leader: leader))
        case .outdated: break  // its term has done the work
        }
    }
}
