import HTTP
import JSON
import Model
import Store
import StoreFormat
import Testing

/// Further people in a world: each with a membership, an own account and a key.
extension World {
    /// Makes somebody: `role` is that of the membership in Default; nil for none.
    func add(_ name: String, _ number: UInt64, role: String? = nil, kind: String = "user", in project: UInt64 = 5) {
        var writes: [Write] = [
            RecordWriting.put(
                .account,
                .known(number),
                [
                    "name": .string(name), "kind": .string(kind), "uuid": .string("account-\(number)"),
                    "state": "active",
                    "created": .int(Self.started), "description": nil, "removed": nil,
                ],
                scope: .known(0)
            ), key(name, 1_000 + number, of: number),
            .touchPolicy(subject: Template(bytes: PolicySubject.account(number))),
        ]
        if let role {
            writes.append(
                RecordWriting.put(
                    .projectMember,
                    .known(2_000 + number),
                    [
                        "kind": "projectMember", "state": "active", "uuid": .string("m-\(number)"), "created": 1,
                        "removed": nil, "memberId": JSONValue(number), "role": .string(role),
                        "projectId": JSONValue(project),
                    ],
                    scope: .known(project)
                )
            )
        }
        guard case .committed = node.write(writes) else {
            Issue.record("\(name) was refused")
            return
        }
    }

    /// A request by somebody of ``add(_:_:role:kind:in:)``, or of the founding.
    func ask(_ name: String, _ method: String, _ path: String, _ body: JSONValue? = nil) async -> Answer {
        var headers: HTTPHeaders = ["Authorization": Self.basic("\(name)-key", "\(name)-secret")]
        if body != nil { headers["Content-Type"] = "application/json" }
        return await send(method, path, as: .nobody, headers: headers, body: body.map { JSONWriter.bytes($0) } ?? [])
    }

    /// Makes something and gives its id.
    func made(_ name: String, _ path: String, _ body: JSONValue) async throws -> String {
        let answer: Answer = await ask(name, "POST", path, body)
        return try #require(answer.status == 201 ? answer["id"]?.string : nil, "\(answer)")
    }
}
