import Network

/// Decides which host runs what: a snapshot in, placements out.
///
/// Order of preference among hosts that meet every demand: fewest preferences missed, fewest instances of
/// the same service, fewest instances, lowest number. So equal input gives equal placements on every node.
package enum Scheduler {
    /// Places requests one after the other; each counts for those behind it.
    ///
    /// `hosts` carry the service's own counts, so one call serves requests of one service (or one standalone container).
    package static func place(_ requests: [PlacementRequest], on hosts: [HostCandidate]) -> [Placement] {
        var hosts: [HostCandidate] = hosts.sorted { $0.number < $1.number }
        var placements: [Placement] = []
        placements.reserveCapacity(requests.count)
        for request in requests {
            if let refusal: PlacementRefusal = contradiction(in: request) {
                placements.append(Placement(request: request, outcome: .refused(refusal), verdicts: []))
            } else if let index: Int = best(for: request, among: hosts) {
                hosts[index].instanceCount += 1
                hosts[index].serviceInstanceCount += 1
                for port in request.ports { hosts[index].ports.claim(port, .unit(request.unit)) }
                placements.append(Placement(request: request, outcome: .host(hosts[index].number), verdicts: []))
            } else {
                let verdicts: [HostVerdict] = hosts.map { verdict(on: $0, for: request) }
                placements.append(
                    Placement(request: request, outcome: .refused(refusal(request, verdicts)), verdicts: verdicts)
                )
            }
        }
        return placements
    }

    /// What speaks against each host, ascending by number, whether or not the request can be placed.
    package static func explain(_ request: PlacementRequest, on hosts: [HostCandidate]) -> [HostVerdict] {
        hosts.sorted { $0.number < $1.number }.map { verdict(on: $0, for: request) }
    }

    /// What a global service thinks of each host, ascending by number: one that fits gets an instance.
    ///
    /// Only host labels count, preferences as much as demands (contract O14).
    package static func globalVerdicts(_ affinity: Affinity, on hosts: [HostCandidate]) -> [HostVerdict] {
        hosts.sorted { $0.number < $1.number }.map { host in
            var reasons: [HostReason] = host.obstacle.map { [.obstacle($0)] } ?? []
            reasons += affinity.rules.filter { !$0.holds(on: host) }.map { .label($0) }
            return HostVerdict(host: host.number, name: host.name, reasons: reasons, misses: [])
        }
    }

    private static func contradiction(in request: PlacementRequest) -> PlacementRefusal? {
        for (index, port) in request.ports.enumerated()
        where request.ports[..<index].contains(where: { $0.conflicts(with: port) }) {
            return .portTwice(port)
        }
        // A named host outranks affinity, so there it does no harm.
        guard request.requestedHost == nil, let label: String = request.affinity.unsupported.first else { return nil }
        return .unsupportedAffinity(label: label)
    }

    /// The place in `hosts` of the best one.
    ///
    /// Makes no reasons: this runs for every host of every placement.
    private static func best(
        for request: PlacementRequest,
        among hosts: [HostCandidate]
    ) -> Int? {
        var best: (index: Int, misses: Int)?
        for (index, host) in hosts.enumerated() {
            guard let misses: Int = missesIfFit(host, request) else { continue }
            guard let current: (index: Int, misses: Int) = best else {
                best = (index, misses)
                continue
            }
            let other: HostCandidate = hosts[current.index]
            let isBetter: Bool =
                (misses, host.serviceInstanceCount, host.instanceCount)
                < (current.misses, other.serviceInstanceCount, other.instanceCount)
            // Hosts ascend by number, so the first of equals stays.
            if isBetter { best = (index, misses) }
        }
        return best?.index
    }

    /// How many preferences a fitting host misses; nil when it does not fit.
    private static func missesIfFit(
        _ host: HostCandidate,
        _ request: PlacementRequest
    ) -> Int? {
        var misses: Int = 0
        if let requested: UInt64 = request.requestedHost {
            guard host.number == requested, host.obstacle != .removing else { return nil }
        } else {
            guard host.obstacle == nil else { return nil }
            for rule in request.affinity.rules where !rule.holds(on: host) {
                guard !rule.isHard else { return nil }
                misses += 1
            }
        }
        for port in request.ports where host.ports.conflict(with: port) != nil { return nil }
        return misses
    }

    private static func verdict(
        on host: HostCandidate,
        for request: PlacementRequest
    ) -> HostVerdict {
        var reasons: [HostReason] = []
        var misses: [HostLabelRule] = []
        if let requested: UInt64 = request.requestedHost {
            if host.number != requested { reasons.append(.otherRequested) }
            if host.obstacle == .removing { reasons.append(.obstacle(.removing)) }
        } else {
            if let obstacle: HostObstacle = host.obstacle { reasons.append(.obstacle(obstacle)) }
            for rule in request.affinity.rules where !rule.holds(on: host) {
                if rule.isHard { reasons.append(.label(rule)) } else { misses.append(rule) }
            }
        }
        for port in request.ports {
            if let claim: PortClaims.Claim = host.ports.conflict(with: port) {
                reasons.append(.portTaken(port, by: claim.holder))
            }
        }
        return HostVerdict(host: host.number, name: host.name, reasons: reasons, misses: misses)
    }

    private static func refusal(_ request: PlacementRequest, _ verdicts: [HostVerdict]) -> PlacementRefusal {
        if let requested: UInt64 = request.requestedHost {
            guard let verdict: HostVerdict = verdicts.first(where: { $0.host == requested }),
                !verdict.reasons.contains(.obstacle(.removing))
            else { return .requestedHostGone(requested) }
            return .noFit(closest: verdict.reasons)
        }
        let healthy: [HostVerdict] = verdicts.filter { verdict in
            !verdict.reasons.contains { if case .obstacle = $0 { true } else { false } }
        }
        guard let closest: HostVerdict = healthy.min(by: { $0.reasons.count < $1.reasons.count }) else {
            return .noHealthyHost
        }
        return .noFit(closest: closest.reasons)
    }
}
