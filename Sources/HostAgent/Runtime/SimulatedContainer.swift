import HostAgentCore
import HostProtocol
import JSON

/// A line that a simulated container wrote.
struct SimulatedLine: Sendable, Hashable {
    var time: String
    var text: String
}

/// One container of a ``SimulatedRuntime``.
struct SimulatedContainer: Sendable, Hashable {
    /// Older lines are forgotten.
    private static let logLines: Int = 100

    var shown: RuntimeContainer
    var image: String
    var command: [String]
    var environment: [String: String]
    /// Host ports, such as `127.1.0.2:8080/tcp`.
    var ports: [String]
    var log: [SimulatedLine]

    /// `["exit", "3"]`, `["sh", "-c", "exit 3"]`: the code, else nil.
    var codeOfExit: Int64? {
        let words: [Substring] = command.joined(separator: " ").split(separator: " ")
        guard words.count >= 2, words[words.count - 2] == "exit" else { return nil }
        return Int64(words[words.count - 1])
    }

    mutating func start(at time: String, number: Int) {
        shown.phase = .running
        shown.startedAt = time
        shown.exitCode = nil
        shown.message = nil
        shown.primaryIPAddress = "10.42.\(number / 250 % 250).\(number % 250 + 2)"
        write("\(shown.name): started from \(image)", at: time)
        if !command.isEmpty { write("\(shown.name): runs \(command.joined(separator: " "))", at: time) }
    }

    mutating func end(code: Int64, at time: String) {
        write("\(shown.name): ends with code \(code)", at: time)
        shown.phase = .exited
        shown.exitCode = code
        shown.primaryIPAddress = nil
    }

    private mutating func write(_ text: String, at time: String) {
        log.append(SimulatedLine(time: time, text: text))
        if log.count > Self.logLines { log.removeFirst(log.count - Self.logLines) }
    }
}

/// The form on disk.
extension SimulatedContainer {
    var json: JSONValue {
        [
            "uuid": .string(shown.uuid), "number": JSONValue(shown.number), "externalId": .string(shown.externalID),
            "name": .string(shown.name), "phase": .string(shown.phase.rawValue), "exitCode": JSONValue(shown.exitCode),
            "startedAt": JSONValue(shown.startedAt), "ip": JSONValue(shown.primaryIPAddress), "image": .string(image),
            "command": JSONValue(command), "ports": JSONValue(ports),
            "environment": JSONValue(environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }),
            "log": .array(log.map { ["time": .string($0.time), "text": .string($0.text)] }),
        ]
    }

    init(_ value: JSONValue) throws(FrameError) {
        let members = try FrameMembers(value, at: "container")
        shown = RuntimeContainer(
            uuid: try members.uuid("uuid"),
            number: try members.count("number"),
            externalID: try members.text("externalId"),
            name: try members.text("name"),
            phase: try members.word("phase", RuntimeContainer.Phase.self),
            exitCode: try members.optionalInteger("exitCode"),
            startedAt: try members.optionalText("startedAt"),
            primaryIPAddress: try members.optionalText("ip")
        )
        image = try members.text("image")
        command = members.object["command"]?.array?.compactMap(\.string) ?? []
        ports = members.object["ports"]?.array?.compactMap(\.string) ?? []
        environment = [:]
        for each in members.object["environment"]?.array?.compactMap(\.string) ?? [] {
            guard let sign: String.Index = each.firstIndex(of: "=") else { continue }
            environment[String(each[..<sign])] = String(each[each.index(after: sign)...])
        }
        log = try members.list("log") { (line) throws(FrameError) in
            SimulatedLine(time: try line.text("time"), text: try line.text("text"))
        }
    }
}
