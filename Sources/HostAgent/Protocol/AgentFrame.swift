/// What a host sends to a server.
package enum AgentMessage: Sendable, Hashable {
    case hello(Hello)
    case report(Report)
    case log(LogChunk)
    case logEnd(LogEnd)
    /// For input; the first one says that the command runs.
    case credit(StreamCredit)
    case exit(ExecExit)
    case pong
    /// Of a newer agent: to be ignored, with a note.
    case unknown(type: String)
}

/// One WebSocket text message from a host to a server.
package struct AgentFrame: Sendable, Hashable {
    package var stamp: FrameStamp
    package var message: AgentMessage

    package init(_ stamp: FrameStamp, _ message: AgentMessage) {
        self.stamp = stamp
        self.message = message
    }

    /// - Throws: ``FrameError`` naming the member that is wrong; never traps.
    package init(decoding bytes: [UInt8]) throws(FrameError) {
        let envelope: FrameEnvelope = try FrameEnvelope(decoding: bytes)
        let members: FrameMembers = envelope.members
        stamp = envelope.stamp
        switch envelope.type {
        case "hello": message = .hello(try Hello(members))
        case "report": message = .report(try Report(members))
        case "log": message = .log(try LogChunk(members))
        case "logEnd": message = .logEnd(try LogEnd(members))
        case "credit": message = .credit(try StreamCredit(members))
        case "exit": message = .exit(try ExecExit(members))
        case "pong": message = .pong
        default: message = .unknown(type: envelope.type)
        }
    }

    /// Compact JSON in UTF-8.
    package var encoded: [UInt8] {
        FrameEnvelope.encode(message.type, stamp) { object in
            switch message {
            case .hello(let hello): hello.append(to: &object)
            case .report(let report): report.append(to: &object)
            case .log(let chunk): chunk.append(to: &object)
            case .logEnd(let end): end.append(to: &object)
            case .credit(let credit): credit.append(to: &object)
            case .exit(let exit): exit.append(to: &object)
            case .pong, .unknown: break
            }
        }
    }
}

extension AgentMessage {
    package var type: String {
        switch self {
        case .hello: "hello"
        case .report: "report"
        case .log: "log"
        case .logEnd: "logEnd"
        case .credit: "credit"
        case .exit: "exit"
        case .pong: "pong"
        case .unknown(let type): type
        }
    }
}
