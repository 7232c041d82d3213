import RaftCore

/// Effects as a script shows them.
enum ScriptText {
    static func line(_ effect: Effect) -> String {
        switch effect {
        case .send(let message): "send \(message.to) term=\(message.term) \(text(message.body))"
        case .persist(let ballot): "persist \(ballot)"
        case .append(let entries, let write): "write \(write): \(text(entries))"
        case .truncate(let position, _): "truncate to \(position)"
        case .reset(let position, let configuration): "reset to \(position) \(configuration)"
        case .commit(let index): "commit \(index)"
        case .accepted(let ids, let first, let term): "accepted \(ids) at \(term)/\(first)"
        case .rejected(let ids, let refusal): "rejected \(ids): \(refusal)"
        case .readReady(let ids, let index): "read \(ids) at \(index)"
        case .readRefused(let ids, let leader): "read \(ids) refused, leader \(leader.map { "\($0)" } ?? "none")"
        case .configurationRefused(let refusal): "change refused: \(refusal)"
        case .configurationChanged(let configuration): "members \(configuration)"
        case .snapshotNeeded(let member): "snapshot for \(member)"
        case .note(let observation): "note \(observation)"
        }
    }

    private static func text(_ entries: [LogEntry]) -> String {
        entries.isEmpty ? "nothing" : entries.map(\.description).joined(separator: " ")
    }

    private static func text(_ body: Message.Body) -> String {
        switch body {
        case .preVoteRequest(let request): "pre-vote-request last=\(request.last)"
        case .preVoteReply(let granted): "pre-vote-reply \(granted ? "granted" : "refused")"
        case .voteRequest(let request): "vote-request last=\(request.last)\(request.isTransfer ? " transfer" : "")"
        case .voteReply(let granted): "vote-reply \(granted ? "granted" : "refused")"
        case .append(let request):
            "append previous=\(request.previous) commit=\(request.commit): \(text(request.entries))"
        case .appendAccepted(let match): "accepted match=\(match)"
        case .appendRejected(let rejection): "rejected previous=\(rejection.previousIndex) hint=\(rejection.hint)"
        case .heartbeat(let commit, let round): "heartbeat commit=\(commit) round=\(round)"
        case .heartbeatReply(let round): "heartbeat-reply round=\(round)"
        case .outdated: "outdated"
        case .campaignNow: "campaign-now"
        case .readRequest(let ids): "read-request \(ids)"
        case .readReply(let ids, let index): "read-reply \(ids) index=\(index)"
        case .readRefused(let ids): "read-refused \(ids)"
        }
    }
}
