import Bytes
import Crypto
import HTTP
import JSON
import Model
import Synchronization
import WebSocket

/// The action `logs`: gives an address and a token; whoever opens it there gets the output (contract 5.4).
enum LogAccess {
    static func open(_ resource: Resource, _ exchange: Exchange, _ gateway: Gateway) throws(Problem) -> Answer {
        guard let host: UInt64 = resource.values["hostId"]?.int.flatMap({ UInt64(exactly: $0) }) else {
            throw .notFound("The container was never on a host: it has no output.")
        }
        let body: JSONObject = try exchange.body()
        let request = LogRequest(
            follow: flag(body["follow"]) ?? true, lines: number(body["lines"]) ?? 100,
            timestamps: flag(body["timestamps"]) ?? false, since: body["since"]?.string)
        let token: String = Hex.encode(SecureRandom.bytes(24))
        gateway.logTickets.add(
            token, LogTicket(instance: resource.number, host: host, request: request, expires: exchange.time + 300_000),
            now: exchange.time)
        return .document(
            status: 200,
            .object([
                "type": "hostAccess", "baseType": "hostAccess", "links": [:], "actions": [:],
                "url": .string("\(exchange.base.webSocketText)/v1/logs/"), "token": .string(token),
            ]))
    }

    /// The WebSocket behind the address.
    static func stream(_ request: HTTPRequest, _ gateway: Gateway) -> HTTPResponse {
        guard let token: String = request.queryItems?["token"],
            let ticket: LogTicket = gateway.logTickets.take(token, now: gateway.now())
        else { return .text(401, "The token is unknown, was used, or has expired: call the action logs again.") }
        return WebSocket.response(to: request) { socket in
            await copy(ticket, to: socket, gateway)
        }
    }

    private static func copy(_ ticket: LogTicket, to socket: WebSocket, _ gateway: Gateway) async {
        let stream: LogStream
        do throws(HostUnavailable) {
            stream = try await gateway.hosts.logs(of: ticket.instance, on: ticket.host, ticket.request)
        } catch {
            try? await socket.send(text: "02 \(error.message)\n")
            return
        }
        // Reading notices that the client is gone, also while the container says nothing.
        let watching = Task { [cancel = stream.cancel] in
            while let _ = try? await socket.receive() {}
            cancel()
        }
        do {
            for try await chunk in stream.chunks {
                try await socket.send(
                    text: (chunk.isError ? "02 " : "01 ") + String(decoding: chunk.bytes, as: UTF8.self))
            }
        } catch {
            try? await socket.send(text: "02 The output broke off: \(error)\n")
        }
        stream.cancel()
        await socket.close()
        watching.cancel()
    }

    private static func flag(_ value: JSONValue?) -> Bool? { value?.bool ?? value?.string.map { $0 == "true" } }
    private static func number(_ value: JSONValue?) -> Int? {
        (value?.int ?? value?.string.flatMap { Int64($0) }).flatMap { Int(exactly: $0) }
    }
}

/// What a token opens, once.
struct LogTicket: Sendable {
    var instance: UInt64
    var host: UInt64
    var request: LogRequest
    /// Milliseconds since 1970.
    var expires: Int64
}

/// The tokens that were given out and not used yet.
final class LogTickets: Sendable {
    private let tickets = Mutex<[String: LogTicket]>([:])
    private static let limit: Int = 10_000

    func add(_ token: String, _ ticket: LogTicket, now: Int64) {
        tickets.withLock { tickets in
            if tickets.count >= Self.limit { tickets = tickets.filter { $0.value.expires > now } }
            if tickets.count < Self.limit { tickets[token] = ticket }
        }
    }

    func take(_ token: String, now: Int64) -> LogTicket? {
        guard let ticket: LogTicket = tickets.withLock({ $0.removeValue(forKey: token) }), ticket.expires > now else {
            return nil
        }
        return ticket
    }
}
