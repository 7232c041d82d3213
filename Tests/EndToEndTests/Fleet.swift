import JSON
import Testing

/// One container as the API shows it.
struct Shown: Hashable, Sendable {
    var id: String
    var name: String
    var uuid: String
    var state: String
    var hostID: String
    var externalID: String
    var address: String
    var startCount: Int64
    var serviceIDs: [String]

    init(_ value: JSONValue) {
        func text(_ key: String) -> String { value[key]?.string ?? "" }
        id = text("id")
        name = text("name")
        uuid = text("uuid")
        state = text("state")
        hostID = text("hostId")
        externalID = text("externalId")
        address = text("primaryIpAddress")
        startCount = value["startCount"]?.int ?? 0
        serviceIDs = value["serviceIds"]?.array?.compactMap(\.string) ?? []
    }
}

/// One container as its host has it.
struct Held: Hashable, Sendable {
    var host: String
    var name: String
    var uuid: String
    var externalID: String
    var isRunning: Bool
    var startedAt: String
}

extension DevRig {
    /// Those that are not removed; of one stack, when it is named.
    func containers(of stack: String? = nil, node: String? = nil) async throws -> [Shown] {
        var wanted: String?
        if let stack {
            wanted = try await list("stacks", node: node).first { $0["name"]?.string == stack }?["id"]?.string
            guard wanted != nil else { throw RigFailure("there is no stack \(stack)") }
        }
        return try await list("containers", node: node).filter { wanted == nil || $0["stackId"]?.string == wanted }.map
        {
            Shown($0)
        }
        .sorted { $0.name < $1.name }
    }

    /// The API's id of `host1`, ….
    func hostID(_ name: String, node: String? = nil) async throws -> String {
        let host: JSONValue? = try await list("hosts", node: node).first {
            $0["name"]?.string == name || $0["hostname"]?.string == name
        }
        return try #require(host?["id"]?.string, "there is no host \(name)")
    }

    /// What the simulated runtimes keep on disk.
    func held() -> [Held] { Held.simulated(below: data) }
}

extension Held {
    /// What the simulated runtimes of the hosts in a folder keep on disk: read beside the agents, which write it whole.
    static func simulated(below folder: String) -> [Held] {
        var all: [Held] = []
        for host in Files.names(in: folder) where host.hasPrefix("host") && !host.hasSuffix(".log") {
            for file in Files.names(in: "\(folder)/\(host)") where file.hasSuffix(".json") {
                guard let text: String = Files.read("\(folder)/\(host)/\(file)"),
                    let document: JSONValue = try? JSONReader.parse(text), document["made"] != nil
                else { continue }
                for each in document["containers"]?.array ?? [] {
                    all.append(
                        Held(
                            host: host,
                            name: each["name"]?.string ?? "",
                            uuid: each["uuid"]?.string ?? "",
                            externalID: each["externalId"]?.string ?? "",
                            isRunning: each["phase"]?.string == "running",
                            startedAt: each["startedAt"]?.string ?? ""
                        )
                    )
                }
            }
        }
        return all.sorted { ($0.name, $0.externalID) < ($1.name, $1.externalID) }
    }
}

/// How what the API shows and what the hosts have do not agree; empty when all is exactly as wanted.
func disagreements(_ shown: [Shown], _ held: [Held], hosts: [String: String]) -> [String] {
    var found: [String] = []
    func once(_ what: String, _ values: [String]) {
        for (value, count) in Dictionary(values.map { ($0, 1) }, uniquingKeysWith: +) where count > 1 {
            found.append("\(what) \(value) is there \(count) times")
        }
    }
    once("the API's container", shown.map(\.name))
    once("the API's uuid", shown.map(\.uuid))
    once("on the hosts, container", held.map(\.name))
    once("on the hosts, uuid", held.map(\.uuid))
    let byUUID: [String: Held] = Dictionary(held.map { ($0.uuid, $0) }) { first, _ in first }
    for container in shown {
        guard let there: Held = byUUID[container.uuid] else {
            found.append("\(container.name) is on no host")
            continue
        }
        if container.state != "running" { found.append("\(container.name) is \(container.state)") }
        if !there.isRunning { found.append("\(container.name) does not run on \(there.host)") }
        if hosts[there.host] != container.hostID {
            found.append("\(container.name) is on \(there.host), not \(container.hostID)")
        }
        if there.externalID != container.externalID {
            found.append("\(container.name) is \(there.externalID), not \(container.externalID)")
        }
    }
    let wanted: Set<String> = Set(shown.map(\.uuid))
    for container in held where !wanted.contains(container.uuid) {
        found.append("\(container.name) (\(container.uuid)) is on \(container.host), and nobody wants it")
    }
    return found
}

extension DevRig {
    /// Waits until API and hosts agree, and returns what is there.
    @discardableResult
    func agree(
        node: String? = nil,
        _ held: (() async throws -> [Held])? = nil
    ) async throws -> (shown: [Shown], held: [Held]) {
        let hosts: [String: String] = [
            "host1": try await hostID("host1", node: node), "host2": try await hostID("host2", node: node),
        ]
        var last: [String] = []
        do {
            return try await wait(for: "API and hosts to agree") {
                let shown: [Shown] = try await containers(node: node)
                let there: [Held]
                if let held { there = try await held() } else { there = self.held() }
                last = disagreements(shown, there, hosts: hosts)
                return last.isEmpty ? (shown, there) : nil
            }
        } catch {
            throw RigFailure("\(error):\n\(last.joined(separator: "\n"))")
        }
    }

    /// Writes compose files into a folder called like the stack; `up` is run there.
    func compose(_ stack: String, _ docker: String, rancher: String? = nil) throws -> String {
        var files: [String: String] = ["docker-compose.yml": docker]
        files["rancher-compose.yml"] = rancher
        return try Files.folder(stack, in: folder, files)
    }

    /// A stack of one plain service, and a global one when asked for.
    func plain(_ stack: String, scale: Int, withGlobal: Bool = false) throws -> String {
        let global: String = """
              everywhere:
                image: example/everywhere:1
                labels:
                  io.rancher.scheduler.global: 'true'

            """
        return try compose(
            stack,
            """
            version: '2'
            services:
              web:
                image: example/web:1

            """ + (withGlobal ? global : ""),
            rancher: """
                version: '2'
                services:
                  web:
                    scale: \(scale)

                """
        )
    }

    /// `drover up -d` of what ``compose(_:_:rancher:)`` wrote.
    func up(_ path: String, seconds: Int = 120) async throws -> Ended {
        try await run(
            [
                "up", "-d", "--file", "\(path)/docker-compose.yml", "--stack",
                String(path.split(separator: "/").last ?? ""),
            ],
            seconds: seconds
        )
    }
}
