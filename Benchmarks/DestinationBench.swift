import EventLoop
import Glibc
import HTTP
import JSON

/// Our node as a plain reverse proxy, a `destinations` route, beside HAProxy and nginx: the same clients, the same server
/// behind all of them.
///
/// What each case is: `docs/performance.md`.
struct DestinationBench {
    private let cluster: DroverCluster
    private let node: Int
    private let peers: [ReverseProxy]
    private let backend: Int
    private let loops: Loops
    private let options: BenchOptions

    private static let counts: [Int] = [1, 64, 256]
    private static let bodyConnections: Int = 8
    private static let bodyBytes: Int = 1024 * 1024
    private static let variety: Int = 16
    private static let name: String = "destination"

    /// Every case of this bench begins so.
    static func isWanted(_ options: BenchOptions) -> Bool {
        options.cases.isEmpty || options.cases.contains { $0.hasPrefix(name) }
    }

    /// - Parameter node: whose environment is idle: nothing but passing is counted.
    static func run(
        _ cluster: DroverCluster,
        node: Int,
        in folder: String,
        _ certificates: BenchCertificates,
        on loops: Loops,
        _ options: BenchOptions
    ) async throws -> (cases: [BenchCase], notes: [String]) {
        // On a loop of its own: clients must not wait for it.
        let own: Loops = try .start(count: 1)
        let answer: [UInt8] = Array(
            #"{"status":"ok","items":[1,2,3,4,5,6,7,8],"name":"a small answer of a service"}"#.utf8
        )
        let server: HTTPServer = try .start(
            on: .tcp(host: "127.0.0.1", port: 0),
            loops: own,
            streams: { _, _ in true },
            handler: { request, _ in
                while (try? await request.bodyStream?.next()) ?? nil != nil {}
                return HTTPResponse(status: 200, headers: ["Content-Type": "application/json"], body: answer)
            }
        )
        var peers: [ReverseProxy] = []
        let result: Result<[BenchCase], any Error>
        do {
            let port: Int = server.endpoint.port ?? 0
            peers += [try await .haproxy(in: folder, to: port, certificates)].compactMap(\.self)
            peers += [try await .nginx(in: folder, to: port, certificates)].compactMap(\.self)
            try await cluster.route([
                "requestInterceptors": [
                    ["type": "authTokenValidator", "paths": ["/checked/{rest:.*}"], "methods": ["get", "put"]]
                ],
                "destinations": [
                    [
                        "paths": ["/passing/{rest:.*}", "/checked/{rest:.*}"],
                        "destinationURL": .string("http://127.0.0.1:\(port)/"),
                    ]
                ],
            ])
            let bench = DestinationBench(
                cluster: cluster,
                node: node,
                peers: peers,
                backend: port,
                loops: loops,
                options: options
            )
            result = .success(try await bench.cases())
        } catch {
            result = .failure(error)
        }
        for peer in peers { await peer.end() }
        await server.stop(graceMilliseconds: 0)
        await own.stop()
        var notes: [String] = []
        if !peers.contains(where: { $0.name.hasPrefix("nginx") }) {
            notes.append("nginx is not installed, so it does not stand beside our figures: apt-get install nginx-light")
        }
        return (try result.get(), notes)
    }

    private init(
        cluster: DroverCluster,
        node: Int,
        peers: [ReverseProxy],
        backend: Int,
        loops: Loops,
        options: BenchOptions
    ) {
        self.cluster = cluster
        self.node = node
        self.peers = peers
        self.backend = backend
        self.loops = loops
        self.options = options
    }

    private func cases() async throws -> [BenchCase] {
        var cases: [BenchCase] = []
        for count in Self.counts where options.wants("\(Self.name)-\(count)-cpu") {
            cases += try await compare("\(Self.name)-\(count)-cpu", count, path: "/passing/a", 0)
        }
        for (word, path, isVaried) in [
            ("varied", "/passing/a", true), ("checked", "/checked/a", false), ("checked-varied", "/checked/a", true),
        ] where options.wants("\(Self.name)-\(word)-64-cpu") {
            cases += try await compare("\(Self.name)-\(word)-64-cpu", 64, path: path, isVaried: isVaried, 0)
        }
        if options.wants("\(Self.name)-body-1m") {
            cases += try await compare("\(Self.name)-body-1m", Self.bodyConnections, path: "/passing/a", Self.bodyBytes)
        }
        return cases
    }

    /// One case for each peer; ours stands in all of them.
    ///
    /// - Parameter isVaried: each request of a connection has another path and another header than the one before.
    private func compare(
        _ name: String,
        _ connections: Int,
        path: String,
        isVaried: Bool = false,
        _ bytes: Int
    ) async throws -> [BenchCase] {
        var ours: [LoadResult] = []
        var theirs: [[LoadResult]] = peers.map { _ in [] }
        for round in 1...options.rounds {
            options.progress("\(name), round \(round): drover")
            ours.append(
                try await load(cluster.place(node), connections, path, isVaried, bytes) { [cluster, node] in
                    [cluster.process(node)].compactMap(\.self)
                }
            )
            for (index, peer) in peers.enumerated() {
                options.progress("\(name), round \(round): \(peer.name)")
                theirs[index].append(
                    try await load(peer.place, connections, path, isVaried, bytes) { peer.processes }
                )
            }
        }
        let isBodies: Bool = bytes > 0
        func value(_ result: LoadResult) -> Double {
            isBodies ? result.perSecond * Double(bytes) / 1e6 : result.serverMicros
        }
        func rates(_ results: [LoadResult]) -> String {
            let perSecond: Double = Statistics.median(results.map(\.perSecond)) ?? .nan
            let micros: Double = Statistics.median(results.map(\.serverMicros)) ?? .nan
            return
                "\(Statistics.text(perSecond)) requests/s, \(Statistics.text(micros)) µs of its processor time a request"
        }
        let unit: String = isBodies ? "MB/s" : "µs"
        guard !peers.isEmpty else {
            var pairing = Pairing()
            for result in ours { pairing.add(value(result), of: 0, result) }
            return [pairing.item(name, unit, peerName: nil, notes: ["ours: \(rates(ours))"])]
        }
        return zip(peers, theirs).map { peer, results in
            var pairing = Pairing()
            for result in ours { pairing.add(value(result), of: 0, result) }
            for result in results { pairing.add(value(result), of: 1, result) }
            return pairing.item(
                peer.name.hasPrefix("nginx") ? "\(name)-nginx" : name,
                unit,
                peerName: peer.name,
                notes: ["ours: \(rates(ours)); \(peer.name): \(rates(results))"]
            )
        }
    }

    private func load(
        _ place: ServerPlace,
        _ count: Int,
        _ path: String,
        _ isVaried: Bool,
        _ bytes: Int,
        processes: @escaping @Sendable () -> [Int32]
    ) async throws -> LoadResult {
        let body: [UInt8]? = bytes > 0 ? [UInt8](repeating: 0x20, count: bytes) : nil
        let method: String = body == nil ? "GET" : "PUT"
        let requests: [[UInt8]] =
            isVaried
            ? (0..<Self.variety).map { cluster.request(method, "\(path)\($0)", body, mark: "\($0)") }
            : [cluster.request(method, path, body)]
        return try await LoadRun.perform(
            [LoadRun.Client](repeating: LoadRun.asking(requests, of: place), count: count),
            on: loops,
            warmUp: options.warmUp,
            seconds: options.seconds,
            processes: processes
        )
    }
}
