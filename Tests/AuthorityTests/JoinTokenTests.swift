import Bytes
import JSON
import Model
import Store
import StoreFormat
import Testing

@testable import Authority

@Suite struct JoinTokenTests {
    private static let fingerprint = [UInt8](repeating: 0xAB, count: 32)
    private static let now: Int64 = 1_700_000_000_000

    @Test func `a token is read as it was written, white space around it aside`() {
        let token: JoinToken = .generate(.node, fingerprint: Self.fingerprint)
        #expect(JoinToken(token.text) == token)
        #expect(JoinToken("  \(token.text)\n") == token)
        #expect(token.text.hasPrefix("drover-node-"))
    }

    @Test func `no two tokens are the same, and none tells its secret by accident`() {
        let tokens: [JoinToken] = (0..<50).map { _ in .generate(.host, fingerprint: Self.fingerprint) }
        #expect(Set(tokens.map(\.id)).count == 50)
        #expect(Set(tokens.map(\.secret)).count == 50)
        for token in tokens {
            let secret: String = Hex.encode(token.secret)
            #expect(!"\(token)".contains(secret) && !String(reflecting: token).contains(secret))
            #expect(!token.secretHash.contains(secret))
        }
    }

    @Test func `a token that was cut anywhere is no token`() {
        let text: String = JoinToken.generate(.node, fingerprint: Self.fingerprint).text
        for length in 0..<text.count { #expect(JoinToken(String(text.prefix(length))) == nil, "\(length)") }
        for wrong in [
            "\(text)00", "\(text)-", text.replacingFirst("drover", "drovER"), text.replacingFirst("node", "king"),
            text.replacingFirst("-", " "), text.replacingFirst("a", "g"),
        ] where wrong != text {
            #expect(JoinToken(wrong) == nil, "\(wrong)")
        }
    }

    // MARK: The verdict

    struct Row: Sendable, CustomStringConvertible {
        var description: String
        /// What is stored.
        var change: @Sendable (inout JoinTokenRecord) -> Void = { _ in }
        /// What is shown at the door.
        var show: @Sendable (JoinToken) -> String = { $0.text }
        var role: PeerIdentity.Role = .node
        var refusal: JoinRefusal?
    }

    static let rows: [Row] = [
        Row(description: "good"),
        Row(description: "a moment before it expires", change: { $0.fields["expires"] = .int(now + 1) }),
        Row(description: "expired", change: { $0.fields["expires"] = .int(now) }, refusal: .expired),
        Row(description: "used by nobody that is known", change: { $0.fields["used"] = 1 }, refusal: .used),
        Row(description: "for a host", change: { $0.fields["role"] = "host" }, refusal: .wrongRole("host")),
        Row(description: "at the hosts' door", role: .host, refusal: .wrongRole("node")),
        Row(
            description: "withdrawn",
            change: {
                $0.fields["state"] = "removed"; $0.fields["removed"] = 1
            },
            refusal: .unknown
        ),
        Row(description: "malformed", show: { _ in "let me in" }, refusal: .unknown),
        Row(description: "empty", show: { _ in "" }, refusal: .unknown),
        Row(description: "truncated", show: { String($0.text.dropLast()) }, refusal: .unknown),
        Row(
            description: "never made",
            show: { _ in JoinToken.generate(.node, fingerprint: fingerprint).text },
            refusal: .unknown
        ),
        Row(
            description: "a wrong secret",
            show: {
                var token: JoinToken = $0
                token.secret[31] ^= 1
                return token.text
            },
            refusal: .unknown
        ),
        Row(
            description: "of another authority",
            show: {
                var token: JoinToken = $0
                token.fingerprint[0] ^= 1
                return token.text
            },
            refusal: .unknown
        ),
        Row(
            description: "expired, and a wrong secret",
            change: { $0.fields["expires"] = .int(now - 1) },
            show: {
                var token: JoinToken = $0
                token.secret[0] ^= 0x80
                return token.text
            },
            refusal: .unknown
        ),
    ]

    private static func judge(_ row: Row) -> JoinVerdict {
        let token: JoinToken = .generate(.node, fingerprint: fingerprint)
        var record = JoinTokenRecord(fields: [
            "kind": "joinToken", "state": "active", "token": .string(token.id), "role": "node",
            "secretHash": .string(token.secretHash), "created": .int(now), "expires": .int(now + 3_600_000),
        ])
        row.change(&record)
        let store = Store()
        // A withdrawn token holds no name, and is found no more.
        _ = store.apply(
            index: 1,
            Transaction(
                time: now,
                actor: "1a1",
                requestID: "test",
                writes: [RecordWriting.put(.joinToken, .known(9), record.fields, scope: .known(0))]
            )
        )
        return .judge(row.show(token), role: row.role, fingerprint: fingerprint, in: store.view, now: now)
    }

    @Test(arguments: rows)
    func `a token lets in as the table says`(_ row: Row) {
        switch (Self.judge(row), row.refusal) {
        case (.admit(let key, _, let revision), nil):
            #expect(key == RecordKey(.joinToken, 9) && revision == 1)
        case (.refused(let refusal, _), let wanted?):
            #expect(refusal == wanted)
        case (let verdict, let wanted):
            Issue.record("\(verdict) instead of \(String(describing: wanted))")
        }
    }

    @Test func `a stranger cannot tell an unknown token from a wrong secret`() {
        let answers: Set<JoinVerdict> = Set(
            Self.rows.filter {
                ["malformed", "never made", "a wrong secret", "of another authority"].contains($0.description)
            }
            .map(Self.judge)
        )
        #expect(answers == [.refused(.unknown, nil)])
        #expect(Self.rows.allSatisfy { row in row.refusal.map { !$0.description.isEmpty } ?? true })
    }

    @Test func `a used token says whom it let in`() {
        let verdict: JoinVerdict = Self.judge(
            Row(
                description: "used",
                change: {
                    $0.fields["used"] = 1; $0.fields["usedBy"] = 42
                }
            )
        )
        guard case .used(_, _, by: 42) = verdict else {
            Issue.record("\(verdict)")
            return
        }
    }
}

extension String {
    func replacingFirst(_ part: String, _ other: String) -> String {
        guard let range = firstRange(of: part) else { return self }
        return replacingCharacters(range, other)
    }

    private func replacingCharacters(_ range: Range<String.Index>, _ other: String) -> String {
        String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
