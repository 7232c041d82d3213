import HostAgentCore
import HostProtocol
import JSON
import Logging
import WebSocket

/// Output of containers, and commands in them.
extension Agent {
    /// Carries one stream of output.
    struct Pump {
        /// Tells it from a later one for a stream of the same name.
        var number: UInt64
        var task: Task<Void, Never>
        /// For its output.
        var gate: CreditGate
        /// nil for the output of a container.
        var feed: ExecFeed?
    }

    func openLogs(_ request: LogsRequest, _ externalID: String) {
        guard let session else { return }
        let gate = CreditGate(request.credit, pieceCost: StreamCredit.cost(bytes: 0))
        let output = OutputSender(agent: self, session: session, stream: request.stream, gate: gate)
        let pump = LogPump(output: output, request: request, externalID: externalID)
        carry(request.stream, gate, nil) { await pump.run() }
    }

    func openExec(_ order: ExecOrder, _ externalID: String) {
        guard let session else { return }
        logger.notice(
            "runs a command",
            [
                "instance.uuid": .string(order.uuid), "exec.program": .string(order.command.first ?? ""),
                "exec.tty": .bool(order.isTerminal),
            ]
        )
        let gate = CreditGate(order.credit, pieceCost: StreamCredit.cost(bytes: 0))
        let output = OutputSender(agent: self, session: session, stream: order.stream, gate: gate)
        let feed = ExecFeed(stream: order.stream)
        let pump = ExecPump(output: output, order: order, externalID: externalID, feed: feed)
        carry(order.stream, gate, feed) { await pump.run() }
    }

    private func carry(
        _ stream: UInt64,
        _ gate: CreditGate,
        _ feed: ExecFeed?,
        _ run: @escaping @Sendable () async -> Void
    ) {
        workCount += 1
        let number: UInt64 = workCount
        let task = Task(executorPreference: loop) {
            await run()
            await self.pumpEnded(stream, number)
        }
        pumps[stream] = Pump(number: number, task: task, gate: gate, feed: feed)
    }

    func feed(_ stream: UInt64, _ what: AgentCore.StreamFeed) {
        guard let pump: Pump = pumps[stream] else { return }
        switch what {
        case .credit(let bytes): pump.gate.add(bytes)
        case .resize(let columns, let rows): pump.feed?.resize(columns: columns, rows: rows)
        case .input(let bytes, let isLast):
            guard let feed: ExecFeed = pump.feed, !feed.take(bytes, isLast: isLast) else { return }
            // Memory is worth more than a server that breaks its word.
            logger.notice("a command is ended: the server sends more input than it may", ["stream": JSONValue(stream)])
            pump.task.cancel()
        }
    }

    private func pumpEnded(_ stream: UInt64, _ number: UInt64) {
        guard pumps[stream]?.number == number else { return }
        pumps[stream] = nil
        input(.logsEnded(stream: stream))
    }
}
