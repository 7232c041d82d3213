import Certificates
import EventLoop
import Gateway
import HTTP
import JSON
import Limits
import Metrics
import Model
import RaftCore
import RaftGroup
import RaftTransport
import Store
import Synchronization

/// What a node tells those who look after it: `/metrics`, `/healthz` and `/readyz`, on the ports for clients.
///
/// All three are answered by this node alone, from what it has at hand: also while there is no leader, which is when they are
/// needed. None names a tenant or shows a secret.
final class Telemetry: Sendable {
    private let core: NodeCore
    private let gateway: Gateway
    private let hosts: HostStreams
    private let ownership: Ownership
    private let security: NodeSecurity?
    private let health: NodeHealth
    private let loops: Loops
    private let folder: DataFolder
    private let version: String
    private let started: Int64 = WallClock.milliseconds
    private let stopping = Atomic<Bool>(false)

    init(
        core: NodeCore,
        gateway: Gateway,
        hosts: HostStreams,
        ownership: Ownership,
        security: NodeSecurity?,
        health: NodeHealth,
        loops: Loops,
        folder: DataFolder,
        version: String
    ) {
        self.core = core
        self.gateway = gateway
        self.hosts = hosts
        self.ownership = ownership
        self.security = security
        self.health = health
        self.loops = loops
        self.folder = folder
        self.version = version
    }

    /// The node is about to stop: it is not ready from now on, so that balancers send their requests elsewhere.
    func stop() { stopping.store(true, ordering: .relaxed) }

    /// The answer to what is asked of telemetry; nil for every other request.
    func answer(_ request: HTTPRequest, _ connection: ConnectionInfo) async -> HTTPResponse? {
        guard request.method == "GET" || request.method == "HEAD" else { return nil }
        switch request.path {
        case "/metrics":
            return gateway.metricsRefusal(request, connection)
                ?? HTTPResponse(
                    status: 200,
                    headers: ["Content-Type": MetricsRegistry.contentType],
                    body: Array(page.utf8)
                )
        case "/healthz": return await health(on: connection.loop)
        case "/healthcheck": return await healthcheck(on: connection.loop)
        case "/readyz": return readiness()
        default: return nil
        }
    }

    // MARK: Metrics

    var page: String { core.metrics.render(adding: looked) }

    var descriptions: [MetricDescription] { core.metrics.descriptions(adding: looked) }

    /// What is looked up at this moment.
    private var looked: [MetricFamily] {
        let names: (MemberID) -> String = { [core] in core.directory.peer($0)?.name ?? "member \($0)" }
        var families: [MetricFamily] = RaftFigures.families(
            core.state.group.status,
            core.state.group.load,
            core.transport?.status() ?? [],
            names: names
        )
        families += StateFigures.families(core.state.store.figures)
        families += gateway.families
        families += ProcessFigures.families(folder: folder.path, started: started)
        families += own
        return families
    }

    private var own: [MetricFamily] {
        let hosts: (connected: Int, away: Int) = hosts.counts
        var build = MetricFamily(.gauge, "drover_build_info", "1; the version is in the label", labels: ["version"])
        build.add(1, version)
        var reasons = MetricFamily(
            .gauge,
            "drover_not_ready",
            "1 for each reason for which this node should be sent no requests; see /readyz",
            labels: ["reason"]
        )
        for reason in unreadiness { reasons.add(1, reason.code) }
        let certificates: [(String, Int64)] =
            security.map { security in
                let shown: DataFolder.Credentials = security.credentials
                return [("node", shown.certificate.notAfter), ("authority", shown.authority.notAfter)]
            } ?? []
        return [
            build, reasons,
            .each(
                .gauge,
                "drover_alarm",
                "1 for each alarm that stands on this node; drover cluster status says what it is and what to type",
                label: "kind",
                core.alarms.all
            ) { ($0.kind, 1) },
            MetricFamily(
                .gauge,
                "drover_restore_proven_timestamp_seconds",
                "When this node last restored its checkpoint for trial and found it good, in seconds since 1970",
                health.provenRestore.withLock { $0 }.map { Double($0) / 1_000 }
            ),
            MetricFamily(
                .gauge,
                "drover_ready",
                "1 when this node can be sent requests, else 0; see /readyz",
                unreadiness.isEmpty ? 1 : 0
            ),
            MetricFamily(.gauge, "drover_hosts_connected", "Hosts with a stream to this node", Double(hosts.connected)),
            MetricFamily(
                .gauge,
                "drover_hosts_away",
                "Hosts of environments that this node owns, without a stream",
                Double(hosts.away)
            ),
            MetricFamily(
                .gauge,
                "drover_scopes_owned",
                "Environments, and the cluster itself, whose controllers run on this node",
                Double(ownership.scopes.count)
            ),
            .each(
                .gauge,
                "drover_certificate_expiry_timestamp_seconds",
                "When the node's own certificate and that of the cluster's authority expire, in seconds since 1970",
                label: "certificate",
                certificates
            ) { ($0.0, Double($0.1) / 1_000) },
        ]
    }

    // MARK: Health

    /// The same as `/healthz` and `/readyz` together in the form that balancers of the original read: each check by its
    /// name, 500 when one fails.
    private func healthcheck(on loop: EventLoop) async -> HTTPResponse {
        let process: HTTPResponse = await health(on: loop)
        let checks: [(String, String?)] = [
            ("process", process.status == 200 ? nil : "The process is stuck; /healthz says where."),
            ("cluster", unreadiness.isEmpty ? nil : unreadiness.map(\.code).joined(separator: ", ")),
        ]
        var document = JSONObject()
        for (name, problem) in checks {
            document[name] = problem.map { ["healthy": false, "message": .string($0)] } ?? ["healthy": true]
        }
        return HTTPResponse(
            status: checks.allSatisfy { $0.1 == nil } ? 200 : 500,
            headers: ["Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"],
            body: JSONWriter.bytes(.object(document))
        )
    }

    /// Whether the process works at all: one that does not answer this should be started again.
    private func health(on loop: EventLoop) async -> HTTPResponse {
        let silent: [Int] = await RollCall.silent(loops.all, on: loop)
        var reasons: [JSONValue] = silent.map { number in
            ["code": "loopStuck", "message": .string("Event loop \(number) does not answer."), "next": Self.restart]
        }
        let turn: UInt64 = core.state.group.load.silentNanoseconds / 1_000_000
        if turn > UInt64(Limits.healthTurnMilliseconds), !isStopping {
            reasons.append([
                "code": "raftStuck", "message": .string("The Raft thread has done nothing for \(turn) ms."),
                "next": Self.restart,
            ])
        }
        return Self.answer(reasons, good: "alive", bad: "stuck")
    }

    private static let restart: JSONValue = "Keep the log, then start the node again."

    /// Whether requests should be sent here.
    private func readiness() -> HTTPResponse {
        Self.answer(unreadiness.map(\.document), good: "ready", bad: "notReady")
    }

    private var isStopping: Bool { stopping.load(ordering: .relaxed) }

    private var unreadiness: [Unreadiness] {
        let alarms: Alarms = core.alarms
        return Unreadiness.all(
            core.state.group.status,
            isStopping: isStopping,
            isReadOnly: alarms.isRaised(Alarm.Kind.diskLow) || alarms.isRaised(Alarm.Kind.logStalled)
        )
    }

    private static func answer(_ reasons: [JSONValue], good: String, bad: String) -> HTTPResponse {
        let document: JSONObject = ["status": .string(reasons.isEmpty ? good : bad), "reasons": .array(reasons)]
        return HTTPResponse(
            status: reasons.isEmpty ? 200 : 503,
            headers: ["Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"],
            body: JSONWriter.bytes(.object(document))
        )
    }
}
