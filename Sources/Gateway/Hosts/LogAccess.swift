import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import WebSocket

/// The action `logs`: gives an address and a token; whoever opens it there gets the output (contract O18).
enum LogAccess {
    /// - Parameter input: the action's, validated.
    static func open(
        _ resource: Resource,
        _ input: JSONObject,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) throws(Problem) -> Answer {
        guard let host: UInt64 = resource.values["hostId"]?.int.flatMap({ UInt64(exactly: $0) }) else {
            throw .notFound("The container was never on a host: it has no output.")
        }
        let since: String? = input["since"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        // Hosts are told seconds; what cannot be told must not be left out in silence.
        let seconds: UInt64? = since.flatMap {
            UInt64($0) ?? StoredDate.milliseconds($0).map { UInt64(max(0, $0) / 1000) }
        }
        if since != nil, seconds == nil {
            throw .validation(
                .invalidFormat,
                field: "since",
                message: "since is a time such as 2017-04-22T08:00:00Z, or seconds."
            )
        }
        let request = LogRequest(
            follow: input["follow"]?.bool ?? true,
            lines: input["lines"]?.int.flatMap { Int(exactly: $0) },
            timestamps: input["timestamps"]?.bool ?? false,
            since: seconds.map { String($0) }
        )
        let ticket = try StreamTicket(
            .logs,
            instance: resource.number,
            host: host,
            options: request.options,
            for: exchange
        )
        return .document(
            status: 200,
            .object([
                "type": "hostAccess", "baseType": "hostAccess", "links": [:], "actions": [:],
                "url": .string("\(exchange.base.webSocketText)/v1/logs/"),
                "token": .string(try ticket.signed(in: exchange.view)),
            ])
        )
    }

    /// The WebSocket behind the address.
    static let stream = TicketedStream(purpose: .logs, limits: .patient, mayUse: mayRead) { ticket, socket, gateway in
        await copy(ticket, to: socket, gateway)
    }

    @Sendable private static func mayRead(_ ticket: StreamTicket, _ exchange: Exchange) -> Bool {
        guard let definition: ResourceDefinition = Schemas.definition("instance"),
            let resource: Resource = Resource.find(definition, ticket.instance, in: exchange.view)
        else { return false }
        return exchange.rights.may(.action("logs"), resource, in: exchange.view)
    }

    private static func copy(_ ticket: StreamTicket, to socket: WebSocket, _ gateway: Gateway) async {
        let stream: LogStream
        do throws(HostUnavailable) {
            stream = try await gateway.hosts.logs(
                of: ticket.instance,
                on: ticket.host,
                LogRequest(options: ticket.options)
            )
        } catch {
            try? await socket.send(text: "02 \(error.message)\n")
            return
        }
        await withTaskCancellationHandler {
            // Reading notices that the client is gone, also while the container says nothing.
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    while let _ = try? await socket.receive() {}
                    stream.cancel()
                }
                await send(stream, to: socket)
                stream.cancel()
                await socket.close()
                group.cancelAll()
            }
        } onCancel: {
            stream.cancel()
        }
    }

    private static func send(_ stream: LogStream, to socket: WebSocket) async {
        var (output, errors): (TextPieces, TextPieces) = (TextPieces(), TextPieces())
        do {
            for try await chunk in stream.chunks {
                let text: String = chunk.isError ? errors.text(chunk.bytes) : output.text(chunk.bytes)
                guard !text.isEmpty else { continue }
                try await socket.send(text: (chunk.isError ? "02 " : "01 ") + text)
            }
        } catch {
            try? await socket.send(text: "02 The output broke off: \(error)\n")
        }
    }
}

extension LogRequest {
    /// As a token carries it.
    fileprivate var options: JSONObject {
        [
            "follow": .bool(follow), "lines": lines.map { JSONValue($0) } ?? .null, "timestamps": .bool(timestamps),
            "since": JSONValue(since),
        ]
    }

    fileprivate init(options: JSONObject) {
        self.init(
            follow: options["follow"]?.bool ?? true,
            lines: options["lines"]?.int.flatMap { Int(exactly: $0) },
            timestamps: options["timestamps"]?.bool ?? false,
            since: options["since"]?.string
        )
    }
}
