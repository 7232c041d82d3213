import Services
import Testing

struct HealthRulesTests {
    struct ServiceRow: Sendable {
        var counts: HealthRules.Counts
        var expected: Int?
        var health: HealthState
    }

    static let services: [ServiceRow] = [
        ServiceRow(counts: .init(), expected: 0, health: .healthy),
        ServiceRow(counts: .init(), expected: 2, health: .unhealthy),
        ServiceRow(counts: .init(), expected: nil, health: .unhealthy),
        ServiceRow(counts: .init(instances: 2, healthy: 2), expected: 2, health: .healthy),
        ServiceRow(counts: .init(instances: 2, healthy: 2), expected: nil, health: .healthy),
        ServiceRow(counts: .init(instances: 2, healthy: 1), expected: 2, health: .degraded),
        ServiceRow(counts: .init(instances: 2, healthy: 1, initializing: 1), expected: 2, health: .initializing),
        ServiceRow(counts: .init(instances: 2, startedOnce: 2), expected: 2, health: .startedOnce),
        ServiceRow(counts: .init(instances: 2, startedOnce: 2), expected: nil, health: .startedOnce),
        ServiceRow(counts: .init(instances: 2, healthy: 1, startedOnce: 1), expected: 2, health: .healthy),
        ServiceRow(counts: .init(instances: 2, startedOnce: 1), expected: 2, health: .degraded),
    ]

    @Test(arguments: services)
    func `a service is as healthy as the table says`(_ row: ServiceRow) {
        #expect(HealthRules.service(row.counts, expected: row.expected) == row.health)
    }

    struct StackRow: Sendable {
        var members: [(Bool, HealthState?)]
        var health: HealthState
    }

    static let stacks: [StackRow] = [
        StackRow(members: [], health: .healthy),
        StackRow(members: [(true, nil)], health: .healthy),
        StackRow(members: [(true, .healthy), (true, .startedOnce)], health: .healthy),
        StackRow(members: [(true, .startedOnce), (false, .startedOnce)], health: .startedOnce),
        StackRow(members: [(false, .healthy)], health: .degraded),
        StackRow(members: [(true, .healthy), (true, .initializing)], health: .initializing),
        StackRow(members: [(true, .healthy), (true, .unhealthy)], health: .degraded),
        StackRow(members: [(true, .degraded), (true, .unhealthy)], health: .unhealthy),
    ]

    @Test(arguments: stacks)
    func `a stack is as healthy as the table says`(_ row: StackRow) {
        let members: [HealthRules.Member] = row.members.map { HealthRules.Member(isActive: $0.0, health: $0.1) }
        #expect(HealthRules.stack(members) == row.health)
    }

    @Test
    func `uuids of one source differ and have the form of version 4`() {
        var source = UUIDSource(seed: (high: 0, low: 0))
        let made: [String] = (0..<1_000).map { _ in source.next() }
        #expect(Set(made).count == 1_000)
        for uuid in made {
            let parts: [Substring] = uuid.split(separator: "-")
            #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
            #expect(parts[2].first == "4" && "89ab".contains(parts[3].prefix(1)))
        }
    }
}
