import Network
import Scheduler
import Testing

struct SchedulerTests {
    private static let prefix: String = "io.rancher.scheduler.affinity:"

    private func host(
        _ number: UInt64,
        labels: [String: String] = [:],
        obstacle: HostObstacle? = nil,
        ports: [String: UInt64] = [:],
        all: Int = 0,
        own: Int = 0
    ) -> HostCandidate {
        HostCandidate(
            number: number,
            name: "h\(number)",
            labels: labels,
            obstacle: obstacle,
            ports: PortClaims(ports),
            instanceCount: all,
            serviceInstanceCount: own
        )
    }

    private func request(
        _ labels: [String: String] = [:],
        ports: [HostPort] = [],
        requested: UInt64? = nil
    ) -> PlacementRequest {
        let affinity = Affinity(
            Dictionary(uniqueKeysWithValues: labels.map { (SchedulerTests.prefix + $0.key, $0.value) })
        )
        return PlacementRequest(unit: "app-web-1", affinity: affinity, ports: ports, requestedHost: requested)
    }

    private func hosts(_ placements: [Placement]) -> [UInt64?] { placements.map(\.host) }

    @Test
    func `spreads by the service's own instances, then by all, then by number`() {
        let candidates: [HostCandidate] = [host(3), host(1, all: 1), host(2, all: 5, own: 0), host(4, own: 1)]
        #expect(hosts(Scheduler.place(Array(repeating: request(), count: 5), on: candidates)) == [3, 1, 2, 4, 3])
    }

    @Test
    func `the order in which hosts are listed does not matter`() {
        let candidates: [HostCandidate] = (1...6).map { host($0, all: Int($0) % 3) }
        let wanted: [UInt64?] = hosts(Scheduler.place(Array(repeating: request(), count: 9), on: candidates))
        #expect(hosts(Scheduler.place(Array(repeating: request(), count: 9), on: candidates.reversed())) == wanted)
    }

    struct LabelRow: Sendable {
        var labels: [String: String]
        var host: UInt64?
        var failure: String?
    }

    static let labelTable: [LabelRow] = [
        LabelRow(labels: ["host_label": "disk=ssd"], host: 2),
        LabelRow(labels: ["host_label": "DISK=SSD"], host: 2),
        LabelRow(labels: ["host_label_ne": "disk=hdd"], host: 2),
        LabelRow(labels: ["host_label": "disk=ssd, zone=b"], host: 3),
        LabelRow(labels: ["host_label": "disk=ssd,zone"], host: 2),
        LabelRow(labels: ["host_label": "zone=b=x"], host: 3),
        LabelRow(labels: ["host_label_soft": "zone=b"], host: 3),
        LabelRow(labels: ["host_label_soft": "zone=nowhere"], host: 1),
        LabelRow(labels: ["host_label_soft_ne": "disk=hdd"], host: 2),
        LabelRow(labels: ["container_label_soft_ne": "a=b", "host_label_odd": "x=y"], host: 1),
        LabelRow(labels: ["host_label": "disk=nvme"], failure: "needs host with label disk: nvme"),
        LabelRow(
            labels: ["host_label_ne": "rack=1"],
            failure: "needs host with label rack_ne: 1"
        ),
        LabelRow(
            labels: ["container_label": "a=b"],
            failure:
                "the label io.rancher.scheduler.affinity:container_label is not supported: containers cannot be placed by other containers"
        ),
    ]

    @Test(arguments: labelTable)
    func `labels choose as the table says`(_ row: LabelRow) {
        let candidates: [HostCandidate] = [
            host(1, labels: ["disk": "hdd", "rack": "1"]), host(2, labels: ["Disk": "ssd", "rack": "1"]),
            host(3, labels: ["disk": "SSD", "zone": "b", "rack": "1"], own: 1),
        ]
        let placement: Placement = Scheduler.place([request(row.labels)], on: candidates)[0]
        #expect(placement.host == row.host)
        #expect(placement.refusal?.cause == row.failure)
    }

    @Test
    func `a taken port is named as the contract words it, and every host says by whom`() {
        let candidates: [HostCandidate] = [
            host(1, ports: ["0.0.0.0:8081/tcp": 7]), host(2, obstacle: .agentAway(state: "disconnected")),
        ]
        let placement: Placement = Scheduler.place([request(ports: [HostPort(port: 8081)])], on: candidates)[0]
        #expect(placement.refusal?.description == "Allocation failed: host needs ports 8081/tcp available")
        #expect(
            placement.verdicts.map(\.description) == [
                "host h1: port 8081/tcp is taken by instance 1i7", "host h2: the host's agent is disconnected",
            ]
        )
    }

    @Test
    func `a batch does not give one port of a host twice`() {
        let wanted: PlacementRequest = request(ports: [HostPort(port: 80)])
        let placements: [Placement] = Scheduler.place([wanted, wanted, wanted], on: [host(1), host(2)])
        #expect(hosts(placements) == [1, 2, nil])
        #expect(placements[2].verdicts[0].summary == "port 80/tcp is taken by app-web-1")
    }

    @Test
    func `a port requested twice fits nowhere`() {
        let ports: [HostPort] = [HostPort(port: 5555), HostPort(ip: "127.0.0.1", port: 5555)]
        let placement: Placement = Scheduler.place([request(ports: ports)], on: [host(1)])[0]
        #expect(placement.refusal?.description == "Allocation failed: Port 5555/tcp requested more than once.")
    }

    @Test
    func `without a healthy host it says so`() {
        let candidates: [HostCandidate] = [
            host(1, obstacle: .notActive(state: "inactive")), host(2, obstacle: .removing),
        ]
        for list in [candidates, []] {
            let refusal: PlacementRefusal? = Scheduler.place([request()], on: list)[0].refusal
            #expect(
                refusal?.description == "Allocation failed: No healthy hosts with sufficient resources available"
            )
        }
    }

    @Test
    func `a named host outranks labels and inactivity, but not ports or removal`() {
        let candidates: [HostCandidate] = [
            host(1), host(2, obstacle: .notActive(state: "inactive"), ports: ["0.0.0.0:80/tcp": 3]),
            host(4, obstacle: .removing),
        ]
        let labels: [String: String] = ["host_label": "disk=ssd", "container_label": "a=b"]
        #expect(Scheduler.place([request(labels, requested: 2)], on: candidates)[0].host == 2)
        #expect(
            Scheduler.place([request(ports: [HostPort(port: 80)], requested: 2)], on: candidates)[0].refusal?.cause
                == "host needs ports 80/tcp available"
        )
        #expect(
            Scheduler.place([request(requested: 4)], on: candidates)[0].refusal == .requestedHostGone(4)
        )
        #expect(Scheduler.place([request(requested: 9)], on: candidates)[0].refusal == .requestedHostGone(9))
    }

    @Test
    func `a global service goes where host labels allow, wishes counting as demands`() {
        let candidates: [HostCandidate] = [
            host(1, labels: ["role": "lb"]), host(2), host(3, labels: ["role": "lb"], obstacle: .removing),
        ]
        for key in ["host_label", "host_label_soft"] {
            let verdicts: [HostVerdict] = Scheduler.globalVerdicts(request([key: "role=lb"]).affinity, on: candidates)
            #expect(verdicts.filter(\.fits).map(\.host) == [1])
            #expect(verdicts[1].summary == "needs host with label role=lb")
        }
    }

    @Test
    func `macros in labels stand for the instance's own stack and service`() {
        let affinity = Affinity([
            "io.rancher.scheduler.affinity:host_label": "for=${stack_name}-${service_name}",
            "io.rancher.stack.name": "app", "io.rancher.stack_service.name": "app/web",
        ])
        #expect(affinity.rules == [HostLabelRule(key: "for", value: "app-web")])
    }

    @Test
    func `explaining a request that fits says so for each host`() {
        let wish: PlacementRequest = request(["host_label_soft": "disk=ssd"])
        let verdicts: [HostVerdict] = Scheduler.explain(wish, on: [host(2), host(1, labels: ["disk": "ssd"])])
        #expect(verdicts.map(\.summary) == ["fits", "fits, but does not meet the preference disk=ssd"])
    }
}
