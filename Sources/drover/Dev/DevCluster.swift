import CLI
import ClusterNode
import EventLoop
import Gateway
import JSON
import RaftLog
import Subprocess
import Synchronization

/// The processes of a development cluster, started in order, kept running, stopped in the opposite order.
final class DevCluster: Sendable {
    private let options: DevOptions
    private let console: Console
    private let state = Mutex(State())
    private let access: DevAccess
    private let telling = Mutex<Void>(())
    /// Keeps a second cluster out of the folder, and away from the files of this one.
    private let lock: DirectoryLock

    private struct State {
        var nodes: [DevPart] = []
        var hosts: [DevPart] = []
        var addresses: [DevAddresses] = []
    }

    /// - Throws: naming the process, when another cluster uses the folder.
    init(_ options: DevOptions, _ console: Console) throws {
        try DataFolder(options.data).create()
        lock = try DirectoryLock(folder: options.data)
        self.options = options
        self.console = console
        access = DevAccess(folder: options.data)
    }

    private func nodeFolder(_ number: Int) -> DataFolder { DataFolder("\(options.data)/node\(number)") }
    private func hostFolder(_ number: Int) -> String { "\(options.data)/host\(number)" }

    /// Writes who runs where, as it is at this moment.
    ///
    /// One at a time: of two parts that start again together the later one must not be overwritten by the earlier.
    private func tell(_ key: APIKey) throws(NodeFault) {
        try telling.withLock { _ throws(NodeFault) in try access.write(document(key)) }
    }

    func start() async throws {
        access.withdraw()
        let addresses: [DevAddresses] = try await self.addresses()
        for each in addresses { try await each.check() }
        state.withLock { $0.addresses = addresses }
        let key: APIKey = try await found(addresses[0])
        // Those that belong to the cluster already come up together: none of them can do anything without a majority.
        let known: [Int] = addresses.indices.filter { nodeFolder($0 + 1).isFounded }
        for index in known { try startNode(index, addresses[index]) }
        let client: DevClient = try DevClient(port: addresses[0].http, key: key)
        try await client.waitUntilUp(part: state.withLock { $0.nodes[0] })
        for index in addresses.indices where !known.contains(index) {
            try await join(index, addresses, client)
            try startNode(index, addresses[index])
        }
        try await client.waitForNodes(state.withLock { $0.nodes })
        try await startHosts(addresses, client: client)
        try await client.waitForHosts(state.withLock { $0.hosts })
        for part in state.withLock({ $0.nodes + $0.hosts }) {
            part.whenRestarted { [self] in try? tell(key) }
        }
        try tell(key)
        announce(key)
        await client.close()
    }

    /// What nodes that exist were told, and something free for new ones.
    private func addresses() async throws -> [DevAddresses] {
        var known: [DevAddresses] = []
        while nodeFolder(known.count + 1).isFounded {
            var each = DevAddresses(try nodeFolder(known.count + 1).configuration())
            if options.port != 0 { each.http = options.port + known.count }
            known.append(each)
        }
        if known.count >= options.nodes {
            // With fewer than it has, a cluster may have no majority.
            if known.count > options.nodes {
                console.note("drover: this cluster has \(known.count) nodes; all are started")
            }
            return known
        }
        let chosen: [DevAddresses] = try await DevAddresses.choose(options.nodes, from: options.port)
        return known + chosen[known.count...]
    }

    /// Founds the cluster in an empty folder; else reads the key that was made then.
    private func found(_ addresses: DevAddresses) async throws -> APIKey {
        let folder: DataFolder = nodeFolder(1)
        if folder.isFounded { return try access.key() }
        console.note("drover: founding a cluster in \(options.data)")
        return try await ServerInit.found(
            folder,
            ServerInit.Options(
                name: "node1",
                http: ListenAddress(host: "127.0.0.1", port: addresses.http),
                https: ListenAddress(host: "127.0.0.1", port: addresses.https),
                peer: ListenAddress(host: "127.0.0.1", port: addresses.peer),
                settings: SettingSeeds.read(options.environment)
                    + (options.accessControl ? [] : [(name: "api.security.enabled", value: "false")])
            ),
            logger: .standard(options.environment, quiet: true),
            keep: { key throws(NodeFault) in try access.save(key) }
        )
    }

    /// As an operator would: a token from the cluster, and `server join` with it.
    private func join(_ index: Int, _ addresses: [DevAddresses], _ client: DevClient) async throws {
        let name: String = "node\(index + 1)"
        console.note("drover: \(name) joins")
        let token: String = try await client.joinToken()
        let own: DevAddresses = addresses[index]
        let result: SubprocessResult = try await Subprocess.run(
            SubprocessCommand(
                "/proc/self/exe",
                [
                    "server", "join", "--data", nodeFolder(index + 1).path, "--name", name,
                    "--peer-url", "127.0.0.1:\(addresses[0].peer)", "--http", "127.0.0.1:\(own.http)", "--https",
                    "127.0.0.1:\(own.https)", "--peer", "127.0.0.1:\(own.peer)",
                ],
                environment: options.environment.merging(["DROVER_TOKEN": token]) { $1 }
            ),
            deadline: .seconds(30)
        )
        guard result.status == .exited(code: 0) else {
            throw CommandFailure("\(name) could not join: \(result.errorText)")
        }
    }

    private func startNode(_ index: Int, _ addresses: DevAddresses) throws {
        let name: String = "node\(index + 1)"
        let part = DevPart(
            name: name,
            arguments: [
                "server", "run", "--data", nodeFolder(index + 1).path, "--http", "127.0.0.1:\(addresses.http)",
            ],
            output: "\(options.data)/\(name).log",
            environment: options.environment,
            console: console
        )
        try part.start()
        state.withLock { $0.nodes.append(part) }
    }

    private func startHosts(_ addresses: [DevAddresses], client: DevClient) async throws {
        guard options.hosts > 0 else { return }
        let isComplete: Bool = (1...options.hosts).allSatisfy { isRegistered($0) }
        let token: String = isComplete ? "registered" : try await client.registrationToken()
        for number in 1...options.hosts {
            try DataFolder(hostFolder(number)).create()
            let part = DevPart(
                name: "host\(number)",
                arguments: ["agent"] + addresses.flatMap { ["--url", $0.httpsURL] } + [
                    "--data", hostFolder(number), "--runtime", options.runtime, "--address",
                    address(number), "--name", "host\(number)",
                ],
                output: "\(options.data)/host\(number).log",
                environment: options.environment.merging(["DROVER_TOKEN": token]) { $1 },
                console: console
            )
            try part.start()
            state.withLock { $0.hosts.append(part) }
        }
    }

    /// Whether the host has a key of its own already.
    private func isRegistered(_ host: Int) -> Bool {
        guard let bytes: [UInt8] = try? DataFolder.read("\(hostFolder(host))/identity.json") else { return false }
        return (try? JSONReader.parse(bytes))?["accessKey"]?.string != nil
    }

    private func address(_ host: Int) -> String { "127.1.0.\(host)" }

    /// Hosts first: their containers go on without them, and the nodes hear no more of them.
    ///
    /// Then the nodes, all at once.
    func stop() async {
        access.withdraw()
        let state: State = state.withLock { $0 }
        for parts in [state.hosts, state.nodes] {
            await withTaskGroup(of: Void.self) { group in
                for part in parts { group.addTask { await part.stop() } }
            }
        }
        // A part that was just being started again may have written it once more.
        access.withdraw()
    }

    private func document(_ key: APIKey) -> JSONValue {
        let state: State = state.withLock { $0 }
        let nodes: [JSONValue] = zip(state.nodes, state.addresses).enumerated().map { index, node in
            [
                "id": .string(node.0.name), "pid": JSONValue(Int64(node.0.processID)), "url": .string(node.1.url),
                "httpsUrl": .string(node.1.httpsURL), "peer": .string("127.0.0.1:\(node.1.peer)"),
                "data": .string(nodeFolder(index + 1).path),
            ]
        }
        let hosts: [JSONValue] = state.hosts.enumerated().map { index, part in
            [
                "id": .string(part.name), "pid": JSONValue(Int64(part.processID)),
                "address": .string(address(index + 1)),
                "data": .string(hostFolder(index + 1)),
            ]
        }
        return [
            "url": .string(state.addresses[0].url), "httpsUrl": .string(state.addresses[0].httpsURL),
            "caFile": .string(nodeFolder(1).authorityFile), "accessKey": .string(key.publicValue),
            "secretKey": .string(key.secretValue), "nodes": .array(nodes), "hosts": .array(hosts),
        ]
    }

    private func announce(_ key: APIKey) {
        let state: State = state.withLock { $0 }
        func count(_ parts: [DevPart], _ what: String) -> String {
            "\(parts.count) \(what)\(parts.count == 1 ? "" : "s")"
        }
        console.line(
            "Drover is up at \(state.addresses[0].url), with \(count(state.nodes, "node")) and \(count(state.hosts, "host"))."
        )
        console.line("  access.json  \(options.data)/access.json  (addresses and administrator's key)")
        for (part, address) in zip(state.nodes, state.addresses) {
            console.line(
                "  \(part.name)        \(address.url), \(address.httpsURL), process \(part.processID), log \(part.output)"
            )
        }
        for part in state.hosts { console.line("  \(part.name)        process \(part.processID), log \(part.output)") }
        console.line("In another terminal: export DROVER_DATA=\(options.data); drover hosts")
        console.line("ctrl-C stops everything.")
    }
}
