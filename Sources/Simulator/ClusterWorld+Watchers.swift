internal import Checkers
internal import RaftCore
internal import Store
internal import StoreFormat

/// Readers of watches: they read at their own pace, move from member to member, and list when they must.
extension ClusterWorld {
    func makeWatchers() {
        let table = Table(rawValue: 7)
        let filters: [(WatchFilter, WatchRecord.Filter)] = [
            (WatchFilter(), WatchRecord.Filter()),
            (WatchFilter(tables: [table], term: Array("even".utf8)), .init(labels: ["\(table)", "even"])),
            (WatchFilter(scopes: [6]), .init(labels: ["scope 6"])),
            (
                WatchFilter(tables: [table], numbers: [1, 2]),
                .init(keys: ["\(RecordKey(table, 1))", "\(RecordKey(table, 2))"])
            ),
        ]
        for (number, filter) in filters.enumerated() {
            watchers.append(
                ClusterWatcher(
                    number: number,
                    filter: filter.0,
                    record: WatchRecord(watcher: "w\(number)", filter: filter.1)
                )
            )
        }
    }

    func run(watcher number: Int) {
        guard watchers[number].restsUntil <= now else { return }
        guard let place = watchers[number].member, watchers[number].watch != nil else { return attach(number) }
        // What stands still delivers nothing.
        guard members[place].pausedUntil <= now else { return }
        if random.below(200) == 0 {
            count(.slowReader)
            watchers[number].restsUntil = now + 40 + random.below(120)
        }
        for _ in 0..<1 + random.below(4) {
            do {
                guard let event = try watchers[number].watch?.poll() else { return }
                take(event, number)
            } catch {
                return ended(number, error)
            }
        }
    }

    func detach(_ number: Int, _ step: WatchRecord.Step) {
        guard watchers[number].member != nil else { return }
        watchers[number].member = nil
        watchers[number].watch = nil
        watchers[number].restsUntil = now + 1 + random.below(10)
        watchers[number].record.steps.append(step)
    }

    func moveWatcher() {
        let number: Int = random.below(watchers.count)
        guard watchers[number].member != nil else { return }
        count(.watchMoved)
        detach(number, .ended(resumeFrom: nil))
    }

    /// Reads what is left, so that it is judged, too.
    func closeWatchers() {
        guard checker.violation == nil else { return }
        for member in members where member.isUp { member.store.bookmarkWatches() }
        for number in watchers.indices {
            guard watchers[number].member != nil else { continue }
            do {
                while let event = try watchers[number].watch?.poll() { take(event, number) }
            } catch {
                ended(number, error)
            }
        }
    }

    private func attach(_ number: Int) {
        let open: [ClusterMember] = present
        let member: ClusterMember = open[random.below(open.count)]
        guard member.isUp, member.pausedUntil <= now else { return }
        var from: UInt64 = watchers[number].next
        if worldFlaws.contains(.skipsOnResume), watchers[number].isStarted { from += 1 }
        do {
            watchers[number].watch = try member.store.watch(from: from, filter: watchers[number].filter)
            watchers[number].member = member.place
            watchers[number].isStarted = true
            watchers[number].record.steps.append(.opened(from: watchers[number].next))
        } catch {
            list(number, member)
        }
    }

    /// What lies between is not to be had here: the reader lists, unless this member is behind what it has seen.
    private func list(_ number: Int, _ member: ClusterMember) {
        let view: StoreView = member.store.view
        guard view.revision + 1 >= watchers[number].next else { return }
        var contents: [String: String] = [:]
        for table in Self.tables {
            view.forEachRecord(in: table) { record in
                if watchers[number].filter.matches(record) {
                    contents["\(record.key)"] = String(decoding: record.document, as: UTF8.self)
                }
                return true
            }
        }
        watchers[number].next = view.revision + 1
        watchers[number].record.steps.append(.listed(revision: view.revision, contents))
        trace.record(now, 31, UInt64(number), view.revision, "w\(number) lists at \(view.revision)")
    }

    private func take(_ event: WatchEvent, _ number: Int) {
        report.watchEvents += 1
        watchers[number].next = event.revision + 1
        let step: WatchRecord.Step =
            event.isBookmark
            ? .bookmark(revision: event.revision)
            : .event(revision: event.revision, event.changes.map(Self.seen))
        watchers[number].record.steps.append(step)
        trace.record(now, 30, UInt64(number), event.revision, UInt64(event.changes.count), "w\(number): \(step)")
    }

    private static func seen(_ change: Change) -> WatchedChange {
        func text(_ record: Record?) -> String? { record.map { String(decoding: $0.document, as: UTF8.self) } }
        let kind: WatchedChange.Kind =
            switch change.kind {
            case .entered: .entered
            case .changed: .changed
            case .left: .left
            }
        return WatchedChange(
            key: "\(change.key)",
            kind: kind,
            before: text(change.before),
            after: text(change.after)
        )
    }

    private func ended(_ number: Int, _ reason: WatchEnded) {
        trace.record(now, 32, UInt64(number), "w\(number) ends: \(reason)")
        switch reason {
        case .tooSlow(let revision), .storeClosed(let revision):
            watchers[number].next = revision
            detach(number, .ended(resumeFrom: revision))
        case .belowHorizon, .storeReplaced:
            let place: Int? = watchers[number].member
            detach(number, .ended(resumeFrom: nil))
            if let place { list(number, members[place]) }
        }
    }
}
