import JSON

/// What a server sends to a host.
package enum ServerMessage: Sendable, Hashable {
    case welcome(Welcome)
    case sync(Sync)
    case logs(LogsRequest)
    case execute(ExecOrder)
    case input(ExecInput)
    case resize(ExecResize)
    /// For output.
    case credit(StreamCredit)
    /// Ends a stream that the server asked for.
    case cancel(stream: UInt64)
    case ping
    /// The gateways are others than the `welcome` said: base URLs, as there.
    case servers([String])
    /// Another node takes over the host's environment: come back at a moment of chance within so many milliseconds.
    ///
    /// 0 is at once; more is said when many hosts move together.
    case moved(withinMilliseconds: UInt64)
    /// Of a newer server: to be ignored, with a note.
    case unknown(type: String)
}

/// One WebSocket text message from a server to a host.
package struct ServerFrame: Sendable, Hashable {
    package var stamp: FrameStamp
    package var message: ServerMessage

    package init(_ stamp: FrameStamp, _ message: ServerMessage) {
        self.stamp = stamp
        self.message = message
    }

    /// - Throws: ``FrameError`` naming the member that is wrong; never traps.
    package init(decoding bytes: [UInt8]) throws(FrameError) {
        let envelope: FrameEnvelope = try FrameEnvelope(decoding: bytes)
        let members: FrameMembers = envelope.members
        stamp = envelope.stamp
        switch envelope.type {
        case "welcome": message = .welcome(try Welcome(members))
        case "sync": message = .sync(try Sync(members))
        case "logs": message = .logs(try LogsRequest(members))
        case "execute": message = .execute(try ExecOrder(members))
        case "input": message = .input(try ExecInput(members))
        case "resize": message = .resize(try ExecResize(members))
        case "credit": message = .credit(try StreamCredit(members))
        case "cancel": message = .cancel(stream: try members.count("stream"))
        case "ping": message = .ping
        case "servers": message = .servers(try members.texts("servers"))
        case "moved": message = .moved(withinMilliseconds: try members.optionalCount("withinMilliseconds") ?? 0)
        default: message = .unknown(type: envelope.type)
        }
    }

    /// Compact JSON in UTF-8.
    package var encoded: [UInt8] {
        FrameEnvelope.encode(message.type, stamp) { object in
            switch message {
            case .welcome(let welcome): welcome.append(to: &object)
            case .sync(let sync): sync.append(to: &object)
            case .logs(let request): request.append(to: &object)
            case .execute(let order): order.append(to: &object)
            case .input(let input): input.append(to: &object)
            case .resize(let size): size.append(to: &object)
            case .credit(let credit): credit.append(to: &object)
            case .cancel(let stream): object.append("stream", .init(stream))
            case .servers(let servers): object.append("servers", .array(servers.map { .string($0) }))
            case .moved(let milliseconds): object.append("withinMilliseconds", JSONValue(milliseconds))
            case .ping, .unknown: break
            }
        }
    }
}

extension ServerMessage {
    package var type: String {
        switch self {
        case .welcome: "welcome"
        case .sync: "sync"
        case .logs: "logs"
        case .execute: "execute"
        case .input: "input"
        case .resize: "resize"
        case .credit: "credit"
        case .cancel: "cancel"
        case .ping: "ping"
        case .servers: "servers"
        case .moved: "moved"
        case .unknown(let type): type
        }
    }
}
