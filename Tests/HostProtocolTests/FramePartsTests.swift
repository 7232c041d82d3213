import HostProtocol
import Testing

struct FramePartsTests {
    private func specs(_ count: Int) -> [InstanceSpec] {
        (0..<count).map { number in
            var spec: InstanceSpec = Samples.spec
            spec.uuid = "u\(number)"
            return spec
        }
    }

    @Test func `a sync is cut into parts that fit and together say the same`() throws {
        let tombstones: [Tombstone] = (0..<40).map { number in
            Tombstone(uuid: "t\(number)", number: 1, generation: 1, revision: 1)
        }
        let sync = Sync(isFull: false, since: 9, instances: specs(100), tombstones: tombstones)
        let parts: [Sync] = sync.parts(limitBytes: 8 * 1024)
        #expect(parts.count > 2)
        #expect(parts.flatMap(\.instances) == sync.instances)
        #expect(parts.flatMap(\.tombstones) == sync.tombstones)
        #expect(parts.map(\.part) == Array(0..<parts.count))
        #expect(parts.map(\.isLast) == Array(repeating: false, count: parts.count - 1) + [true])
        for part in parts {
            #expect(part.since == 9)
            #expect(ServerFrame(Samples.stamp, .sync(part)).encoded.count <= 8 * 1024)
        }
    }

    @Test func `an empty sync is one part`() {
        let sync = Sync(isFull: true, instances: [])
        #expect(sync.parts() == [sync])
    }

    @Test func `a report is cut into parts that fit, the orphans in the last`() {
        let observations: [Observation] = (0..<100).map { number in
            var observation: Observation = Samples.observation
            observation.uuid = "u\(number)"
            return observation
        }
        let report = Report(
            isFull: true,
            observations: observations,
            orphans: [Orphan(externalID: "e", name: "n", uuid: "u")]
        )
        let parts: [Report] = report.parts(limitBytes: 8 * 1024)
        #expect(parts.count > 2)
        #expect(parts.flatMap(\.observations) == observations)
        #expect(parts.last?.orphans == report.orphans)
        #expect(parts.dropLast().allSatisfy { $0.orphans == nil && !$0.isLast })
        #expect(parts.allSatisfy { AgentFrame(Samples.stamp, .report($0)).encoded.count <= 8 * 1024 })
    }
}
