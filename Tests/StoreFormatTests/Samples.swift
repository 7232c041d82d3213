import StoreFormat

/// One value of every kind, by the name of its golden file.
enum Samples {
    static let time: Int64 = 1_700_000_000_123

    static func transaction(
        preconditions: [Precondition] = [],
        writes: [Write] = [],
        created: Int = 0
    ) -> Transaction {
        Transaction(
            time: time,
            actor: "1a1",
            requestID: "req-7",
            preconditions: preconditions,
            writes: writes,
            created: created
        )
    }

    static let key = RecordKey(Table(rawValue: 3), 42)

    static let preconditions: [(String, Precondition)] = [
        ("precondition-revision", .revision(key, 900)),
        ("precondition-absent", .absent(key)),
        ("precondition-unique-key-free", .uniqueKeyFree(Array("stack/5/web".utf8))),
        ("precondition-epoch", .epoch(scope: 5, 3)),
        ("precondition-policy-unchanged", .policyUnchanged(subject: Array("1a7".utf8), since: 880)),
        ("precondition-pool-holds", .poolHolds(name: Array("host/9/memory".utf8), amount: 512)),
    ]

    static let put: RecordWrite = {
        var document = Template.Builder()
        document.append(#"{"name":"web","id":"#)
        document.append(number: .created(0))
        document.append(#","stackId":"#)
        document.append(number: .known(42))
        document.append("}")
        var unique = Template.Builder()
        unique.append("service/")
        unique.append(number: .created(1))
        return RecordWrite(
            table: Table(rawValue: 4),
            number: .created(0),
            scope: .known(5),
            document: document.template,
            terms: [Template("stackId=42"), Template("kind=service")],
            uniqueKeys: [unique.template]
        )
    }()

    static let writes: [(String, Write)] = [
        ("write-put", .put(put)),
        ("write-delete", .delete(Table(rawValue: 4), .known(42))),
        ("write-assign-scope", .assignScope(scope: .created(1), node: "node-a")),
        ("write-touch-policy", .touchPolicy(subject: Template("1a7"))),
        ("write-define-pool", .definePool(name: Template("host/9/memory"), capacity: 4096)),
        ("write-take-from-pool", .takeFromPool(name: Template("host/9/memory"), amount: -512)),
        ("write-open-session", .openSession(nonce: 0x0123_4567_89AB_CDEF)),
    ]

    static let audit = AuditRecord(
        eventType: "api.service.create",
        resourceType: "service",
        createdResource: 0,
        description: "né",
        authType: "apiKey",
        credential: "1c7",
        clientIP: "127.0.0.1",
        decision: "binding owner",
        requestObject: Array(#"{"name":"web"}"#.utf8)
    )

    static let transactions: [(String, Transaction)] =
        preconditions.map { ($0.0, transaction(preconditions: [$0.1])) }
        + writes.map { ($0.0, transaction(writes: [$0.1], created: 2)) }
        + [
            ("empty", transaction()), ("ticket-audit-blobs", full),
            // Read from level 2 on, see `FeatureGate`.
            ("write-forget-policy", transaction(writes: [.forgetPolicy(subject: Template("credential/7"))])),
        ]

    static let full: Transaction = {
        var value: Transaction = transaction(
            preconditions: preconditions.map { $0.1 },
            writes: writes.map { $0.1 },
            created: 2
        )
        value.ticket = SessionTicket(
            session: SessionID(opened: 77, nonce: 0xFEED),
            sequence: 300,
            answeredBelow: 290
        )
        value.audit = audit
        value.blobs = [BlobReference(hash: Array(0..<32), byteCount: 70_000)]
        return value
    }()

    static let outcomes: [(String, TransactionOutcome)] = [
        ("outcome-committed", .committed(revision: 901, numbers: [43, 44])),
        ("outcome-revision-changed", .refused(.revisionChanged(key, expected: 900, actual: 905))),
        ("outcome-present", .refused(.present(key))),
        ("outcome-unique-key-taken", .refused(.uniqueKeyTaken(key: Array("stack/5/web".utf8), holder: key))),
        ("outcome-epoch-changed", .refused(.epochChanged(scope: 5, expected: 3, actual: 4))),
        ("outcome-policy-changed", .refused(.policyChanged(subject: Array("1a7".utf8), since: 880, actual: 881))),
        ("outcome-pool-exhausted", .refused(.poolExhausted(name: Array("p".utf8), wanted: 512, left: 100))),
        ("outcome-session-expired", .refused(.sessionExpired(sequence: 300))),
        ("outcome-invalid", .refused(.invalid("names $3 of 2 created numbers"))),
    ]

    static let record = Record(
        key: key,
        revision: 900,
        created: 17,
        scope: 5,
        time: time,
        document: Array(#"{"name":"web"}"#.utf8),
        terms: [Array("stackId=42".utf8), Array("kind=service".utf8)],
        uniqueKeys: [Array("service/5/web".utf8)]
    )
}
