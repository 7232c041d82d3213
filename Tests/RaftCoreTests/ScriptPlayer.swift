import RaftCore

/// Runs the commands of a script against one core and writes down what it wants.
///
/// `member 1 voters=1,2,3 term=3 log=1,1,2` sets up member 1 whose log has entries of these terms.
/// `auto-disk on` lets the disk answer at once, without showing it.
struct ScriptPlayer {
    private var core: RaftCore?
    private var diskAnswers: Bool = false
    private var nextProposal: UInt64 = 1

    /// The script again, with the answers as they are now.
    mutating func play(_ text: String) -> String {
        var output: [String] = []
        var commands: [String] = []
        var isAnswer: Bool = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line == "----" {
                isAnswer = true
                output.append(line)
                for command in commands { output += run(command) }
                commands = []
            } else if line.isEmpty {
                isAnswer = false
                output.append(line)
            } else if !isAnswer {
                output.append(line)
                if !line.hasPrefix("#") { commands.append(line) }
            }
        }
        return output.joined(separator: "\n")
    }

    private mutating func run(_ line: String) -> [String] {
        var words: [String] = line.split(separator: " ").map(String.init)
        let verb: String = words.removeFirst()
        let options = ScriptOptions(words)
        switch verb {
        case "member": setUp(options)
        case "auto-disk": diskAnswers = words == ["on"]
        case "state": return [state]
        case "tick":
            let count: Int = Int(words.first ?? "1") ?? 1
            return (0..<count).flatMap { _ in step(.tick) }
        case "propose":
            let proposals: [RaftCore.Proposal] = (0..<(Int(words.first ?? "1") ?? 1)).map { offset in
                RaftCore.Proposal(id: nextProposal + UInt64(offset), payload: [1])
            }
            nextProposal += UInt64(proposals.count)
            return step(.propose(proposals))
        case "change":
            return step(.proposeConfiguration(voters: options.ids("voters"), learners: options.ids("learners")))
        case "read": return step(.read(ids: words.compactMap { UInt64($0) }))
        case "transfer": return step(.transferLeadership(to: options.id("to")))
        case "gone": return step(.peerGone(options.id("id")))
        case "ballot-durable": return step(.ballotDurable(core?.ballot ?? Ballot()))
        case "log-durable": return step(.logDurable(write: options.number("write")))
        case "compact": return step(.compact(through: options.number("through")))
        case "snapshot-installed":
            return step(.snapshotInstalled(options.position("at"), Configuration(voters: options.ids("voters"))))
        case "snapshot-sent": return step(.snapshotSent(to: options.id("to"), succeeded: options.has("done")))
        case "receive": return receive(Array(words.dropFirst()), kind: words.first ?? "", options)
        default: return ["unknown command \(verb)"]
        }
        return []
    }

    private mutating func setUp(_ options: ScriptOptions) {
        var log = EntryTail(base: .start)
        for (offset, term) in options.numbers("log").enumerated() {
            log.append(LogEntry(index: LogIndex(offset + 1), term: term, kind: .data, payload: [1]))
        }
        var settings = RaftSettings()
        settings.electionTicks = 10
        settings.heartbeatTicks = 3
        settings.diskStallTicks = 80
        settings.promotionLagEntries = 3
        core = RaftCore(
            id: MemberID(options.number("id")),
            group: GroupIdentity(cluster: 1, incarnation: 1),
            ballot: Ballot(term: options.number("term")),
            log: log,
            configuration: Configuration(voters: options.ids("voters"), learners: options.ids("learners")),
            applied: options.number("applied"),
            settings: settings,
            random: SeededRandom(seed: 1)
        )
        diskAnswers = false
        nextProposal = 1
    }

    private var state: String {
        guard let core else { return "no member" }
        let leader: String = core.leader.map { "\($0)" } ?? "none"
        return """
            \(core.role) \(core.ballot) leader=\(leader) log=\(core.log.last) commit=\(core.commit) \
            durable=\(core.durable) \(core.configuration)
            """
    }

    private mutating func receive(_ words: [String], kind: String, _ options: ScriptOptions) -> [String] {
        guard let core, let body = options.body(kind) else { return ["unknown message \(kind)"] }
        let group = GroupIdentity(cluster: options.has("foreign") ? 2 : 1, incarnation: 1)
        return step(
            .received(
                Message(
                    group: group,
                    from: options.id("from"),
                    to: core.id,
                    term: options.number("term"),
                    body: body
                )
            )
        )
    }

    private mutating func step(_ input: RaftCore.Input) -> [String] {
        let effects: [Effect] = core?.step(input) ?? []
        var lines: [String] = effects.map(ScriptText.line)
        guard diskAnswers else { return lines }
        for effect in effects {
            switch effect {
            case .persist(let ballot): lines += step(.ballotDurable(ballot))
            case .append(_, let write): lines += step(.logDurable(write: write))
            default: break
            }
        }
        return lines
    }
}

/// The `name=value` words of a command.
struct ScriptOptions {
    private var values: [String: String] = [:]
    private var flags: Set<String> = []

    init(_ words: [String]) {
        for word in words {
            let parts: [Substring] = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) } else { flags.insert(word) }
        }
        if let first = words.first, UInt64(first) != nil { values["id"] = first }
    }

    func has(_ flag: String) -> Bool { flags.contains(flag) }
    func number(_ name: String) -> UInt64 { values[name].flatMap { UInt64($0) } ?? 0 }
    func numbers(_ name: String) -> [UInt64] { (values[name] ?? "").split(separator: ",").compactMap { UInt64($0) } }
    func ids(_ name: String) -> [MemberID] { numbers(name).map { MemberID($0) } }
    func id(_ name: String) -> MemberID { MemberID(max(1, number(name))) }

    /// `term/index`.
    func position(_ name: String) -> LogPosition {
        let parts: [UInt64] = (values[name] ?? "0/0").split(separator: "/").compactMap { UInt64($0) }
        return LogPosition(index: parts[1], term: parts[0])
    }

    func body(_ kind: String) -> Message.Body? {
        switch kind {
        case "pre-vote-request": .preVoteRequest(VoteRequest(last: position("last")))
        case "pre-vote-reply": .preVoteReply(granted: has("granted"))
        case "vote-request": .voteRequest(VoteRequest(last: position("last"), isTransfer: has("transfer")))
        case "vote-reply": .voteReply(granted: has("granted"))
        case "append": .append(append)
        case "accepted": .appendAccepted(match: number("match"))
        case "rejected":
            .appendRejected(
                AppendRejection(
                    previousIndex: number("previous"),
                    hint: position("hint"),
                    number: number("number")
                )
            )
        case "heartbeat": .heartbeat(commit: position("commit"), round: number("round"))
        case "heartbeat-reply": .heartbeatReply(round: number("round"))
        case "campaign-now": .campaignNow
        case "outdated": .outdated
        case "read-request": .readRequest(ids: numbers("ids"))
        case "read-reply": .readReply(ids: numbers("ids"), index: number("index"))
        default: nil
        }
    }

    private var append: AppendRequest {
        let previous: LogPosition = position("previous")
        let configuration: [MemberID] = ids("configuration")
        let entries: [LogEntry] = numbers("terms").enumerated().map { offset, term in
            let index: LogIndex = previous.index + LogIndex(offset) + 1
            guard offset == 0, !configuration.isEmpty else {
                return LogEntry(index: index, term: term, kind: .data, payload: [1])
            }
            let payload: [UInt8] = Configuration(voters: configuration).encoded
            return LogEntry(index: index, term: term, kind: .configuration, payload: payload)
        }
        return AppendRequest(previous: previous, entries: entries, commit: number("commit"))
    }
}
