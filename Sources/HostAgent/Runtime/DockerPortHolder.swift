import EventLoop
import HostAgentCore
import JSON

/// Finds out who holds the port that a container could not get.
struct DockerPortHolder: Sendable {
    let engine: DockerEngine

    /// nil when the engine's message is not about a taken port.
    func explain(_ message: String) async -> OperationFailure? {
        guard let taken = Self.parse(message) else { return nil }
        let holder: String?
        if let container: String = await container(taken) {
            holder = container
        } else {
            holder =
                PortHolder.find(
                    address: taken.address,
                    port: taken.port,
                    transport: taken.transport == "udp" ? .udp : .tcp
                )?.description
        }
        return PortConflict.failure(
            port: taken.port,
            transport: taken.transport,
            address: taken.address,
            holder: holder
        )
    }

    struct TakenPort: Hashable {
        var address: String
        var port: Int
        var transport: String
    }

    /// `Bind for 127.1.0.2:8080 failed: port is already allocated`, or
    /// `listen tcp4 127.1.0.2:8080: bind: address already in use`.
    static func parse(_ message: String) -> TakenPort? {
        let isTaken: Bool =
            message.contains("port is already allocated") || message.contains("address already in use")
        guard isTaken else { return nil }
        let words: [Substring] = message.split(separator: " ")
        for (index, word) in words.enumerated().reversed() {
            let before: Substring = index > 0 ? words[index - 1] : ""
            guard before == "for" || before.hasPrefix("tcp") || before.hasPrefix("udp") else { continue }
            let place: Substring = word.hasSuffix(":") ? word.dropLast() : word
            guard let colon: Substring.Index = place.lastIndex(of: ":"),
                let port = Int(place[place.index(after: colon)...])
            else { continue }
            return TakenPort(
                address: String(place[..<colon]),
                port: port,
                transport: before.hasPrefix("udp") ? "udp" : "tcp"
            )
        }
        return nil
    }

    private func container(_ taken: TakenPort) async -> String? {
        guard let answer = try? await engine.call("GET", "/containers/json", "list the containers") else { return nil }
        for row in answer.body.array ?? [] {
            let holds: Bool = (row["Ports"]?.array ?? []).contains { port in
                port["PublicPort"]?.int == Int64(taken.port) && port["Type"]?.string == taken.transport
                    && Self.overlap(port["IP"]?.string ?? "0.0.0.0", taken.address)
            }
            guard holds else { continue }
            let name: String = row["Names"]?.array?.first?.string ?? row["Id"]?.string ?? "?"
            return "container \(name.hasPrefix("/") ? String(name.dropFirst()) : name)"
        }
        return nil
    }

    private static func overlap(_ left: String, _ right: String) -> Bool {
        left == right || ["0.0.0.0", "::"].contains(left) || ["0.0.0.0", "::"].contains(right)
    }
}
