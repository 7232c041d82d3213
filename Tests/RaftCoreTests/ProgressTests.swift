import Testing

@testable import RaftCore

/// What a leader sends next to a member, and how much before it has to wait.
struct ProgressTests {
    private static let settings: RaftSettings = {
        var settings = RaftSettings()
        settings.windowMessages = 3
        settings.windowBytes = 100
        return settings
    }()

    /// A member that has everything up to `match` and is sent more without waiting.
    private static func replicating(from match: LogIndex) -> Progress {
        var progress = Progress(next: match + 1)
        _ = progress.accepted(match)
        progress.replicate()
        return progress
    }

    private func expectNews(_ isNews: Bool, _ progress: inout Progress, _ index: LogIndex) {
        let told: Bool = progress.accepted(index)
        #expect(told == isNews)
    }

    @Test func `a probe is one message, until something is heard`() {
        var progress = Progress(next: 8)
        #expect(progress.mayReceive(Self.settings))
        progress.sent(through: 9, bytes: 10)
        #expect(progress.phase == .probe(waiting: true) && progress.next == 8)
        #expect(!progress.mayReceive(Self.settings))
        progress.heartbeatAnswered(Self.settings)
        #expect(progress.phase == .probe(waiting: false) && progress.mayReceive(Self.settings))
    }

    @Test func `messages follow each other as far as their number allows`() {
        var progress: Progress = Self.replicating(from: 4)
        #expect(progress.next == 5)
        for last: LogIndex in [5, 6, 7] {
            #expect(progress.mayReceive(Self.settings))
            progress.sent(through: last, bytes: 1)
            #expect(progress.next == last + 1)
        }
        #expect(!progress.mayReceive(Self.settings))
        expectNews(true, &progress, 5)
        #expect(progress.mayReceive(Self.settings) && progress.next == 8 && progress.match == 5)
    }

    @Test func `and as far as their bytes allow`() {
        var progress: Progress = Self.replicating(from: 4)
        progress.sent(through: 5, bytes: 60)
        #expect(progress.mayReceive(Self.settings))
        progress.sent(through: 6, bytes: 40)
        #expect(!progress.mayReceive(Self.settings))
        expectNews(true, &progress, 5)
        #expect(progress.mayReceive(Self.settings))
        progress.sent(through: 7, bytes: 60)
        #expect(!progress.mayReceive(Self.settings), "what was acknowledged counts no more, the rest does")
        expectNews(true, &progress, 7)
        progress.sent(through: 8, bytes: 99)
        #expect(progress.mayReceive(Self.settings))
    }

    @Test func `an acknowledgement never takes anything back`() {
        var progress: Progress = Self.replicating(from: 4)
        progress.sent(through: 9, bytes: 1)
        expectNews(true, &progress, 9)
        expectNews(false, &progress, 9)
        expectNews(false, &progress, 6)
        #expect(progress.match == 9 && progress.next == 10)
        // More than was ever sent, by a leader before this one.
        expectNews(true, &progress, 20)
        #expect(progress.match == 20 && progress.next == 21)
    }

    @Test func `a heartbeat that came back lets one message through where lost ones block`() {
        var progress: Progress = Self.replicating(from: 4)
        for last: LogIndex in [5, 6] { progress.sent(through: last, bytes: 1) }
        progress.heartbeatAnswered(Self.settings)
        progress.sent(through: 7, bytes: 1)
        #expect(!progress.mayReceive(Self.settings), "there was room, so nothing was forgotten")
        progress.heartbeatAnswered(Self.settings)
        #expect(progress.mayReceive(Self.settings))
        progress.sent(through: 8, bytes: 1)
        #expect(!progress.mayReceive(Self.settings))
    }

    @Test(arguments: [(LogIndex(1), LogIndex(6)), (6, 6), (7, 7), (30, 30)])
    func `probing begins above what it is known to have`(from: LogIndex, next: LogIndex) {
        var progress: Progress = Self.replicating(from: 5)
        for last: LogIndex in [6, 7, 8] { progress.sent(through: last, bytes: 1) }
        progress.probe(from: from)
        #expect(progress.next == next && progress.match == 5 && progress.phase == .probe(waiting: false))
        // What was under way counts no more.
        progress.replicate()
        #expect(progress.next == 6 && progress.mayReceive(Self.settings))
        for last: LogIndex in [6, 7] { progress.sent(through: last, bytes: 1) }
        #expect(progress.mayReceive(Self.settings))
    }

    @Test func `nothing is sent while a snapshot is`() {
        var progress: Progress = Self.replicating(from: 5)
        for last: LogIndex in [6, 7, 8] { progress.sent(through: last, bytes: 30) }
        progress.phase = .snapshot
        #expect(progress.phase == .snapshot && !progress.mayReceive(Self.settings))
        progress.sent(through: 50, bytes: 1)
        #expect(progress.next == 9, "it is not sent, so it is not counted")
        progress.replicate()
        for last: LogIndex in [6, 7] {
            progress.sent(through: last, bytes: 30)
            #expect(progress.mayReceive(Self.settings))
        }
    }

    @Test func `who lost its log begins at the first entry again`() {
        var progress: Progress = Self.replicating(from: 5)
        progress.hasLostLog = true
        progress.forgetMatch(at: 77)
        #expect(progress.match == 0 && progress.next == 1 && progress.matchKnownAt == 77)
        #expect(!progress.hasLostLog && progress.phase == .probe(waiting: false))
    }

    @Test func `who is heard is not silent`() {
        var progress = Progress(next: 1)
        #expect(!progress.hasAnswered)
        progress.silentTicks = 9
        progress.heard()
        #expect(progress.hasAnswered && progress.silentTicks == 0)
    }
}
