import CLI
import ClusterNode
import EventLoop
import Gateway
import JSON
import RaftLog
import Synchronization

/// The processes of a development cluster, started in order, kept running, stopped in the opposite order.
final class DevCluster: Sendable {
    private let options: DevOptions
    private let console: Console
    private let parts = Mutex<[DevPart]>([])
    private let access: DevAccess
    /// Keeps a second cluster out of the folder, and away from the files of this one.
    private let lock: DirectoryLock

    /// - Throws: naming the process, when another cluster uses the folder.
    init(_ options: DevOptions, _ console: Console) throws {
        try DataFolder(options.data).create()
        lock = try DirectoryLock(folder: options.data)
        self.options = options
        self.console = console
        access = DevAccess(folder: options.data)
    }

    private var nodeFolder: String { "\(options.data)/node1" }
    private func hostFolder(_ number: Int) -> String { "\(options.data)/host\(number)" }

    func start() async throws {
        access.withdraw()
        // What answers at a port that somebody else has must not be taken for the node.
        if options.port != 0 { try await FreePort.check(options.port) }
        let key: APIKey = try await found()
        let port: Int = options.port == 0 ? try await FreePort.find() : options.port
        let url: String = "http://127.0.0.1:\(port)"
        let node = DevPart(
            name: "node1",
            arguments: ["server", "run", "--data", nodeFolder, "--http", "127.0.0.1:\(port)"],
            output: "\(options.data)/node1.log",
            environment: options.environment,
            console: console
        )
        try await begin(node)
        let client: DevClient = try DevClient(port: port, key: key)
        try await client.waitUntilUp(part: node)
        try await startHosts(url: url, client: client)
        try await client.waitForHosts(parts.withLock { $0 }.filter { $0.name != "node1" })
        try access.write(document(url: url, port: port, key: key))
        for part in parts.withLock({ $0 }) {
            part.whenRestarted { [self] in try? access.write(document(url: url, port: port, key: key)) }
        }
        announce(url: url, key: key)
        await client.close()
    }

    /// Founds the cluster in an empty folder; else reads the key that was made then.
    private func found() async throws -> APIKey {
        let folder = DataFolder(nodeFolder)
        if folder.isFounded { return try access.key() }
        console.note("drover: founding a cluster in \(options.data)")
        let key: APIKey = try await ServerInit.found(
            folder,
            ServerInit.Options(
                name: "node1",
                http: ListenAddress(host: "127.0.0.1", port: options.port),
                settings: SettingSeeds.read(options.environment)
                    + (options.accessControl ? [] : [(name: "api.security.enabled", value: "false")])
            ),
            logger: .standard(options.environment, quiet: true)
        )
        try access.save(key)
        return key
    }

    private func startHosts(url: String, client: DevClient) async throws {
        guard options.hosts > 0 else { return }
        let isComplete: Bool = (1...options.hosts).allSatisfy { isRegistered($0) }
        let token: String = isComplete ? "registered" : try await client.registrationToken()
        for number in 1...options.hosts {
            try DataFolder(hostFolder(number)).create()
            let part = DevPart(
                name: "host\(number)",
                arguments: [
                    "agent", "--url", url, "--token", token, "--data", hostFolder(number), "--runtime", options.runtime,
                    "--address", address(number), "--name", "host\(number)",
                ],
                output: "\(options.data)/host\(number).log",
                environment: options.environment,
                console: console
            )
            try await begin(part)
        }
    }

    /// Whether the host has a key of its own already.
    private func isRegistered(_ host: Int) -> Bool {
        guard let bytes: [UInt8] = try? DataFolder.read("\(hostFolder(host))/identity.json") else { return false }
        return (try? JSONReader.parse(bytes))?["accessKey"]?.string != nil
    }

    private func address(_ host: Int) -> String { "127.1.0.\(host)" }

    private func begin(_ part: DevPart) async throws {
        try part.start()
        parts.withLock { $0.append(part) }
    }

    /// Hosts first: their containers go on without them, and the node hears no more of them.
    func stop() async {
        access.withdraw()
        let parts: [DevPart] = parts.withLock { $0 }
        await withTaskGroup(of: Void.self) { group in
            for part in parts where part.name != "node1" { group.addTask { await part.stop() } }
        }
        for part in parts where part.name == "node1" { await part.stop() }
        // A part that was just being started again may have written it once more.
        access.withdraw()
    }

    private func document(url: String, port: Int, key: APIKey) -> JSONValue {
        let parts: [DevPart] = parts.withLock { $0 }
        let nodes: [JSONValue] = parts.filter { $0.name == "node1" }.map { part in
            [
                "id": .string(part.name), "pid": JSONValue(Int64(part.processID)), "url": .string(url), "httpsUrl": nil,
                "peer": nil, "data": .string(nodeFolder),
            ]
        }
        let hosts: [JSONValue] = parts.filter { $0.name != "node1" }.enumerated().map { index, part in
            [
                "id": .string(part.name), "pid": JSONValue(Int64(part.processID)),
                "address": .string(address(index + 1)),
                "data": .string(hostFolder(index + 1)),
            ]
        }
        return [
            "url": .string(url), "httpsUrl": nil, "caFile": nil, "accessKey": .string(key.publicValue),
            "secretKey": .string(key.secretValue), "nodes": .array(nodes), "hosts": .array(hosts),
        ]
    }

    private func announce(url: String, key: APIKey) {
        console.line("Drover is up at \(url), with \(options.hosts) host\(options.hosts == 1 ? "" : "s").")
        console.line("  access.json  \(options.data)/access.json  (address and administrator's key)")
        for part in parts.withLock({ $0 }) {
            console.line("  \(part.name)        process \(part.processID), log \(part.output)")
        }
        console.line("In another terminal: export DROVER_DATA=\(options.data); drover hosts")
        console.line("ctrl-C stops everything.")
    }
}
