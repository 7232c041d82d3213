import Authority
import JSON
import Testing

struct RotationTests {
    private static func progress(
        _ phase: AuthorityRotation.Phase = .trust,
        nodes: [Bool],
        hosts: [Bool] = [],
        wait: Int64 = 60,
        hold: Int64 = 0
    ) -> RotationProgress {
        RotationProgress(
            rotation: AuthorityRotation(
                phase: phase,
                other: SealedAuthority(certificate: "new", sealedKey: "sealed"),
                sealingKey: "00ff",
                began: 1_000_000,
                waitSeconds: wait,
                holdSeconds: hold
            ),
            nodes: nodes.enumerated().map { .init(name: "node\($0.offset)", isReady: $0.element) },
            hosts: hosts.enumerated().map { .init(name: "host\($0.offset)", isReady: $0.element) }
        )
    }

    @Test func `a phase ends when everybody is ready, or when its time is over, naming who is not`() {
        let begin: Int64 = 1_000_000
        #expect(Self.progress(nodes: [true, true], hosts: [true]).verdict(now: begin) == .advance(without: []))
        let late: RotationProgress = Self.progress(nodes: [true, true, false], hosts: [true, false])
        #expect(late.waitsFor == ["node2", "host1"])
        #expect(late.verdict(now: begin + 59_000) == .wait)
        #expect(late.verdict(now: begin + 60_000) == .advance(without: ["node2", "host1"]))
    }

    @Test func `without a majority of the nodes no phase ends, however long it takes`() {
        let few: RotationProgress = Self.progress(nodes: [true, false], wait: 0)
        #expect(few.verdict(now: .max / 2) == .wait)
        #expect(Self.progress(.issue, nodes: [true, true, false, false, false]).verdict(now: .max / 2) == .wait)
    }

    @Test func `the first phase lasts as long as it is held, the second does not`() {
        let begin: Int64 = 1_000_000
        #expect(Self.progress(nodes: [true], hold: 30).verdict(now: begin + 29_000) == .wait)
        #expect(Self.progress(nodes: [true], hold: 30).verdict(now: begin + 30_000) == .advance(without: []))
        #expect(Self.progress(.issue, nodes: [true], hold: 30).verdict(now: begin) == .advance(without: []))
    }

    @Test func `it is read from the record as it was written, and leaves nothing there when it is over`() {
        let rotation: AuthorityRotation = Self.progress(.issue, nodes: []).rotation
        var fields: JSONObject = ["authority": "old"]
        AuthorityRotation.write(rotation, to: &fields)
        #expect(AuthorityRotation(fields) == rotation)
        AuthorityRotation.write(nil, to: &fields)
        #expect(AuthorityRotation(fields) == nil && fields["authority"] == "old")
        #expect(fields.allSatisfy { !$0.0.hasPrefix("rotation") || $0.1 == .null })
    }
}
