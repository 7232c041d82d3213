import EventLoop
import JSON
import Limits
import Logging
import Model
import RaftCore
import RaftTransport
import Store

/// Compares the members' states at one entry, from time to time, on whichever node leads.
///
/// No log entry is made for it: the leader names an entry over the calls lane, its own last one or, where the others are past
/// that, one a moment ahead; everybody catches the state there and hashes it beside the commits. Who differs from a majority
/// is told so, and ends.
actor StateComparison {
    /// What it needs of the node, so that tests can be one.
    struct Links: Sendable {
        var look: @Sendable () -> GroupLook
        /// Where this member's own state is.
        var applied: @Sendable () -> UInt64
        /// What a member, this one included, says of its state at an entry; nil without an answer.
        var report: @Sendable (MemberID, UInt64) async -> StateReport?
        var quarantine: @Sendable (MemberID, Quarantine) async -> Void
        var name: @Sendable (MemberID) -> String
    }

    private let links: Links
    private let alarms: Alarms
    private let loop: EventLoop
    private let logger: Logger
    private var failures: Int = 0
    /// Who was told to stop: the alarm stands until they are no members any more.
    private var odd: Set<MemberID> = []

    init(links: Links, alarms: Alarms, loop: EventLoop, logger: Logger) {
        self.links = links
        self.alarms = alarms
        self.loop = loop
        self.logger = logger
    }

    /// Until its task is cancelled.
    ///
    /// Soon after this node began to lead, soon after somebody came back, and then on a timer.
    func run() async {
        var wait: Int = Limits.stateCompareSoonSeconds
        var seen: [MemberID] = []
        while (try? await loop.sleep(toMultipleOf: 1_000)) != nil {
            let look: GroupLook = links.look()
            forgetRemoved(look)
            guard look.isLeader else {
                (wait, seen, failures) = (Limits.stateCompareSoonSeconds, [], 0)
                alarms.end(Alarm.Kind.stateNotCompared)
                continue
            }
            let present: [MemberID] = Self.present(look)
            if !Set(present).isSubset(of: seen) { wait = min(wait, Limits.stateCompareSoonSeconds) }
            seen = present
            wait -= 1
            guard wait <= 0, present.count > 1 else { continue }
            wait = await compare() ? Limits.stateCompareSeconds : Limits.stateCompareSoonSeconds
        }
    }

    private func forgetRemoved(_ look: GroupLook) {
        guard !odd.isEmpty, odd.isDisjoint(with: look.configuration.members) else { return }
        odd = []
        alarms.end(Alarm.Kind.stateDiffers)
    }

    /// Members that are there, this one included.
    private static func present(_ look: GroupLook) -> [MemberID] {
        look.configuration.members.filter { member in
            member == look.id || (look.peers[member]?.silentMilliseconds ?? .max) < Limits.memberSilenceMilliseconds
        }
    }

    /// One comparison; returns whether it came to a result.
    @discardableResult
    func compare() async -> Bool {
        let look: GroupLook = links.look()
        let present: [MemberID] = Self.present(look)
        var index: UInt64 = links.applied()
        var hashes: [MemberID: [UInt8]] = [:]
        var missing: [MemberID] = present
        for attempt in 0..<Limits.stateCompareAttempts {
            let before: UInt64 = links.applied()
            let reports: [MemberID: StateReport] = await reports(of: present, at: index)
            hashes = reports.compactMapValues { if case .hash(let hash) = $0 { hash } else { nil } }
            missing = present.filter { hashes[$0] == nil }
            if missing.isEmpty { break }
            let passed: [UInt64] = reports.values.map { if case .notThere(let applied) = $0 { applied } else { 0 } }
            // Busy: one that lies ahead of everybody. Quiet again: where they all stand now.
            let now: UInt64 = max(links.applied(), passed.max() ?? 0)
            let growth: UInt64 = now - min(now, before)
            index = growth == 0 ? now : now + max(Limits.stateCompareLead, growth << UInt64(attempt))
        }
        let verdict: StateVerdict = .judge(hashes, look.configuration)
        await act(on: verdict, at: index, look)
        return settle(verdict, missing)
    }

    private func reports(of members: [MemberID], at index: UInt64) async -> [MemberID: StateReport] {
        let report: @Sendable (MemberID, UInt64) async -> StateReport? = links.report
        return await withTaskGroup(of: (MemberID, StateReport?).self) { tasks in
            for member in members { tasks.addTask { (member, await report(member, index)) } }
            var found: [MemberID: StateReport] = [:]
            for await (member, report) in tasks { found[member] = report }
            return found
        }
    }

    private func act(on verdict: StateVerdict, at index: UInt64, _ look: GroupLook) async {
        switch verdict {
        case .equal:
            logger.debug("states are equal", ["raft.index": JSONValue(index)])
            if odd.isEmpty { alarms.end(Alarm.Kind.stateDiffers) }
        case .odd(let found, let agreeing, let hash):
            odd.formUnion(found)
            let names: String = found.map(links.name).joined(separator: ", ")
            alarms.raise(
                Alarm.Kind.stateDiffers,
                "\(names) held another state than \(agreeing.map(links.name).joined(separator: ", ")) at entry \(index), was "
                    + "told to stop, and keeps its folder for study",
                command: "drover cluster remove \(found.first.map(links.name) ?? "NODE")"
            )
            let order = Quarantine(index: index, hash: hash, agreeing: agreeing)
            for member in found { await links.quarantine(member, order) }
        case .divided(let members):
            alarms.raise(
                Alarm.Kind.stateDiffers,
                "\(members.map(links.name).joined(separator: ", ")) hold different states at entry \(index), and no majority "
                    + "holds the same: nobody can say who is right",
                command: "drover cluster backup FILE"
            )
        case .tooFew: break
        }
    }

    /// "Could not compare" is no "equal".
    private func settle(_ verdict: StateVerdict, _ missing: [MemberID]) -> Bool {
        let isDone: Bool = missing.isEmpty && verdict != .tooFew
        guard !isDone else {
            failures = 0
            alarms.end(Alarm.Kind.stateNotCompared)
            return true
        }
        failures += 1
        if failures >= Limits.stateCompareFailures {
            alarms.raise(
                Alarm.Kind.stateNotCompared,
                "whether all members hold the same state could not be found out \(failures) times in a row: "
                    + "\(missing.map(links.name).joined(separator: ", ")) gave no hash",
                command: "drover cluster status"
            )
        }
        return false
    }
}

extension StateComparison.Links {
    /// Those of a real node.
    static func of(
        _ core: NodeCore,
        hashing: StateHashing,
        look: @escaping @Sendable () -> GroupLook,
        loop: EventLoop,
        quarantine: @escaping @Sendable (Quarantine) -> Void
    ) -> StateComparison.Links {
        StateComparison.Links(
            look: look,
            applied: { core.state.store.appliedIndex },
            report: { member, index in
                if member == look().id { return await hashing.report(at: index, on: loop) }
                let answer: [UInt8]? = try? await core.transport?.call(
                    member,
                    PeerCall.stateHash(at: index).encoded,
                    before: .after(seconds: Limits.stateHashCallSeconds)
                )
                switch answer.flatMap({ try? PeerReply(decoding: $0) }) {
                case .stateHash(let hash): return .hash(hash)
                case .notThere(let applied): return .notThere(applied: applied)
                default: return nil
                }
            },
            quarantine: { member, order in
                if member == look().id { return quarantine(order) }
                _ = try? await core.transport?.call(
                    member,
                    PeerCall.quarantine(order).encoded,
                    before: .after(seconds: Limits.peerCallSeconds)
                )
            },
            name: { core.directory.peer($0)?.name ?? "member \($0)" }
        )
    }
}
