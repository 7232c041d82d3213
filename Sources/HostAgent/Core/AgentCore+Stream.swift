import HostProtocol
import Limits

/// The stream: who may say what.
extension AgentCore {
    mutating func onStreamOpened(_ facts: HostFacts) {
        forgetLink()
        link = Link(heardAt: now)
        let hello = Hello(
            facts: facts,
            knownIncarnation: orders.incarnation,
            knownEpoch: orders.epoch,
            knownRevision: orders.revision
        )
        actions.append(.send(AgentFrame(stamp, .hello(hello))))
    }

    mutating func forgetLink() {
        for stream in (link?.logStreams ?? []).sorted() { actions.append(.closeLogs(stream: stream)) }
        link = nil
    }

    mutating func abandonLink(_ reason: String) {
        forgetLink()
        actions.append(.closeStream(reason: reason))
    }

    mutating func onFrame(_ frame: ServerFrame) {
        guard let current: Link = link else { return }
        if case .welcome(let welcome) = frame.message {
            onWelcome(frame)
            if link?.isWelcomed == true, !current.isWelcomed, !welcome.servers.isEmpty {
                actions.append(.heard(.addresses(welcome.servers)))
            }
            return
        }
        guard current.isWelcomed else {
            refuse(frame, "the server has not welcomed this host on this stream")
            return
        }
        if let reason: String = fence(frame.stamp) {
            refuse(frame, reason)
            return
        }
        orders.epoch = max(orders.epoch, frame.stamp.epoch)
        link?.heardAt = now
        switch frame.message {
        case .welcome: break
        case .sync(let sync): onSync(sync, frame.stamp)
        case .logs(let request): onLogs(request)
        case .execute(let order): onExecute(order)
        case .input(let input): feed(input.stream, .input(input.bytes, isLast: input.isLast))
        case .resize(let size): feed(size.stream, .resize(columns: size.columns, rows: size.rows))
        case .credit(let credit): feed(credit.stream, .credit(credit.bytes))
        case .cancel(let stream):
            if link?.logStreams.remove(stream) != nil { actions.append(.closeLogs(stream: stream)) }
        case .ping: actions.append(.send(AgentFrame(stamp, .pong)))
        case .servers(let addresses): actions.append(.heard(.addresses(addresses)))
        case .moved(let milliseconds):
            actions.append(.heard(.moved(withinMilliseconds: milliseconds)))
            abandonLink("the environment moves to another node")
        case .unknown(let type): notes.append(.unknownFrame(type: type))
        }
    }

    /// Why a frame with this stamp is from the past or from elsewhere; nil when it may speak.
    private func fence(_ stamp: FrameStamp) -> String? {
        guard stamp.incarnation == orders.incarnation else {
            return "its incarnation is not \(orders.incarnation ?? "known")"
        }
        guard stamp.epoch >= orders.epoch else { return "its epoch is older than \(orders.epoch)" }
        // Revisions only grow within an incarnation, whoever owns the host's environment.
        guard stamp.revision >= orders.revision else {
            return "its revision is older than \(orders.revision)"
        }
        return nil
    }

    private mutating func refuse(_ frame: ServerFrame, _ reason: String) {
        notes.append(.refusedFrame(type: frame.message.type, stamp: frame.stamp, reason: reason))
    }

    /// The handshake, and the only place where another incarnation is taken over.
    private mutating func onWelcome(_ frame: ServerFrame) {
        guard link?.isWelcomed == false else {
            refuse(frame, "this stream was welcomed before")
            return
        }
        let incarnation: String = frame.stamp.incarnation
        guard !incarnation.isEmpty else {
            refuse(frame, "it names no incarnation")
            abandonLink("the server's welcome names no incarnation")
            return
        }
        if incarnation == orders.incarnation {
            if let reason: String = fence(frame.stamp) {
                refuse(frame, reason)
                abandonLink("the server lags behind this host: \(reason)")
                return
            }
        } else if orders.left.contains(incarnation) {
            // A node of the past that woke up; a majority of them may even think that it is the cluster.
            refuse(frame, "this host has left its incarnation for another one")
            abandonLink("the server is of incarnation \(incarnation), which this host has left")
            return
        } else {
            adopt(incarnation, epoch: frame.stamp.epoch)
        }
        orders.epoch = max(orders.epoch, frame.stamp.epoch)
        link?.isWelcomed = true
        link?.heardAt = now
    }

    /// Epochs, revisions and generations of another incarnation say nothing about this one's, and its orders to remove are void.
    ///
    /// What runs is kept until this one's first sync says what it knows.
    private mutating func adopt(_ incarnation: String, epoch: UInt64) {
        notes.append(.adopted(incarnation: incarnation, instead: orders.incarnation))
        if let old: String = orders.incarnation {
            orders.left = (orders.left + [old]).suffix(Limits.hostIncarnations)
        }
        orders.incarnation = incarnation
        orders.epoch = epoch
        orders.revision = 0
        for uuid in Array(orders.tombstones.keys) { touch(uuid) }
        orders.tombstones = [:]
        orders.done = [:]
        failures = [:]
        for (uuid, held) in orders.instances {
            var kept: DesiredSet.Held = held
            kept.isListed = false
            kept.spec.revision = 0
            orders.instances[uuid] = kept
            touch(uuid)
        }
        for uuid in Array(starts.entries.keys) { starts.entries[uuid]?.generation = 0 }
    }

    private mutating func onLogs(_ request: LogsRequest) {
        let end: (String) -> Action = { [stamp] reason in
            .send(AgentFrame(stamp, .logEnd(LogEnd(stream: request.stream, error: reason))))
        }
        guard let container: RuntimeContainer = containers[request.uuid] else {
            actions.append(end("the host has no container of instance \(request.uuid)"))
            return
        }
        switch admit(request.stream) {
        case .known: return
        case .tooMany(let reason): actions.append(end(reason))
        case .new: actions.append(.openLogs(request, externalID: container.externalID))
        }
    }

    private mutating func onExecute(_ order: ExecOrder) {
        let end: (String) -> Action = { [stamp] reason in
            .send(AgentFrame(stamp, .exit(ExecExit(stream: order.stream, code: nil, error: reason))))
        }
        guard let container: RuntimeContainer = containers[order.uuid] else {
            actions.append(end("the host has no container of instance \(order.uuid)"))
            return
        }
        switch admit(order.stream) {
        case .known: return
        case .tooMany(let reason): actions.append(end(reason))
        case .new: actions.append(.openExec(order, externalID: container.externalID))
        }
    }

    private enum Admission {
        case new, known
        case tooMany(String)
    }

    private mutating func admit(_ stream: UInt64) -> Admission {
        guard let open: Set<UInt64> = link?.logStreams, !open.contains(stream) else { return .known }
        guard open.count < Limits.hostLogStreams else {
            return .tooMany(
                "the host has \(Limits.hostLogStreams) streams of output open already; close some and try again"
            )
        }
        link?.logStreams.insert(stream)
        return .new
    }

    /// What is for a stream that has ended meanwhile is of no more use.
    private mutating func feed(_ stream: UInt64, _ what: StreamFeed) {
        guard link?.logStreams.contains(stream) == true else { return }
        actions.append(.feed(stream: stream, what))
    }
}

extension AgentCore {
    /// Whether a server has welcomed this host on the open stream.
    package var isWelcomed: Bool { link?.isWelcomed ?? false }
}
