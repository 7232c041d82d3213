import JSON
import Limits
import Model
import RBAC
import StoreFormat
import WebSocket

/// The action `execute`: gives an address and a token; whoever opens it there runs the command (contract O18).
///
/// The right is `action:execute`, a verb of its own. The action is audited with the command when the token is given; the
/// stream ends when the right to it does.
enum ExecAccess {
    /// - Throws: when the command has no program.
    static func check(_ input: JSONObject) throws(Problem) {
        guard let program: String = words(input["command"]).first, !program.isEmpty else {
            throw .validation(
                .minLengthExceeded,
                field: "command",
                message: "command is the program and its arguments, such as [\"ls\", \"-l\"]."
            )
        }
    }

    /// What the audit log keeps: no record changes.
    static func audited(_ resource: Resource, _ input: JSONObject) -> PlannedChange {
        var change = PlannedChange(
            subject: .existing(RecordKey(.instance, resource.number)),
            verb: "execute",
            type: resource.definition.name
        )
        change.request = input
        return change
    }

    /// - Parameter input: the action's, validated.
    static func open(_ resource: Resource, _ input: JSONObject, _ exchange: Exchange) throws(Problem) -> Answer {
        guard let host: UInt64 = resource.values["hostId"]?.int.flatMap({ UInt64(exactly: $0) }) else {
            throw .notFound("The container was never on a host: no command can be run in it.")
        }
        let ticket = try StreamTicket(.execute, instance: resource.number, host: host, options: input, for: exchange)
        return .document(
            status: 200,
            .object([
                "type": "hostAccess", "baseType": "hostAccess", "links": [:], "actions": [:],
                "url": .string("\(exchange.base.webSocketText)/v1/exec/"),
                "token": .string(try ticket.signed(in: exchange.view)),
            ])
        )
    }

    /// The WebSocket behind the address.
    static let stream = TicketedStream(purpose: .execute, limits: .patient, mayUse: mayRun) { ticket, socket, gateway in
        let conversation = ExecConversation(socket: socket, form: ExecForm(ticket.options["frames"]?.string))
        let hasOutput: Bool = ticket.options["attachStdout"]?.bool ?? true
        let running: ExecStream
        do throws(HostUnavailable) {
            running = try await gateway.hosts.exec(of: ticket.instance, on: ticket.host, request(ticket.options))
        } catch {
            return await conversation.fail(error.message)
        }
        await conversation.carry(running, hasOutput: hasOutput)
    }

    private static func request(_ options: JSONObject) -> ExecRequest {
        func number(_ name: String) -> Int? { options[name]?.int.flatMap { Int(exactly: $0) } }
        var size: TerminalSize?
        if let columns: Int = number("columns"), let rows: Int = number("rows") {
            size = TerminalSize(columns: columns, rows: rows)
        }
        return ExecRequest(
            command: words(options["command"]),
            isTerminal: options["tty"]?.bool ?? true,
            hasInput: options["attachStdin"]?.bool ?? true,
            size: size
        )
    }

    private static func words(_ command: JSONValue?) -> [String] { command?.array?.compactMap(\.string) ?? [] }

    @Sendable private static func mayRun(_ ticket: StreamTicket, _ exchange: Exchange) -> Bool {
        guard let definition: ResourceDefinition = Schemas.definition("instance"),
            let resource: Resource = Resource.find(definition, ticket.instance, in: exchange.view)
        else { return false }
        return exchange.rights.may(.action("execute"), resource, in: exchange.view)
    }
}

extension WebSocketLimits {
    /// For streams that people read: whoever stops reading for a while, as a pager does, goes on where they stopped.
    static var patient: WebSocketLimits {
        var limits = WebSocketLimits()
        limits.writeMilliseconds = Limits.streamPauseSeconds * 1_000
        return limits
    }
}
