import Foundation
import Model
import RBAC
import Testing

/// The whole permission matrix as a reviewed file: type × verb × who, at the root and inside an environment.
///
/// Set `DROVER_REWRITE=1` to write it anew; then review the difference like code.
struct PermissionMatrixTests {
    private static let path: URL = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Golden/permissions.txt")

    /// `+` for every object of the scope, `?` for some (a rule looks at the object), `.` for none.
    private static func mark(_ who: Who, _ verb: Verb, _ type: String, _ scope: AccessScope) -> String {
        guard who.may(verb, type, in: scope).isAllowed else { return "." }
        // Nobody's object: what is allowed on this is allowed on any.
        let any: AccessObject
        if case .environment(let number) = scope {
            any = AccessObject(type, number: 999_999, environment: number)
        } else {
            any = AccessObject(type, number: 999_999)
        }
        if verb == .list { return "+" }
        return who.may(verb, type, in: scope, any).isAllowed ? "+" : "?"
    }

    private static func verbs(_ definition: ResourceDefinition) -> [Verb] {
        definition.collectionMethods.map { $0 == .post ? Verb.create : .list }
            + definition.resourceMethods.compactMap {
                switch $0 {
                case .get: Verb.get
                case .put: .update
                case .delete: .delete
                case .post: nil
                }
            } + definition.actions.map { .action($0.name) }
            + (["accessRole", "roleTemplate"].contains(definition.name) ? [.action("escalate"), .action("bind")] : [])
            + (definition.name == "subscribe" ? [.subscribe] : [])
    }

    private static func matrix() -> String {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        var lines: [String] = [
            "# Who may do what. + every object, ? some objects (a rule looks at the object), . none.",
            "# Environment: one of which owner, member, restricted, stackowner, stackuser and readonly are members;",
            "# stranger is a user without a membership. Settings as they are until somebody changes them.",
        ]
        for (title, scope) in [("at the root", AccessScope.cluster), ("inside the environment", .environment(5))] {
            lines.append("")
            lines.append(
                padded(title, 44)
                    + Who.allCases.map { padded($0.rawValue, 13) }.joined().trimmingCharacters(in: .whitespaces)
            )
            for definition in Schemas.all where !definition.isSchemaOnly {
                for verb in verbs(definition) {
                    let marks: String = Who.allCases.map { padded(mark($0, verb, definition.name, scope), 13) }.joined()
                    lines.append(
                        padded("\(definition.name) \(verb)", 44) + marks.trimmingCharacters(in: .whitespaces)
                    )
                }
            }
            let operations: [Verb] =
                [.get]
                + ["createtoken", "listtokens", "revoketoken", "transfer", "remove", "drain", "undrain"].map {
                    .action($0)
                }
            for verb in operations {
                let marks: String = Who.allCases.map {
                    padded(mark($0, verb, StaticRoles.cluster, scope), 13)
                }.joined()
                lines.append(
                    padded("\(StaticRoles.cluster) \(verb)", 44) + marks.trimmingCharacters(in: .whitespaces)
                )
            }
            let stream: String = Who.allCases.map {
                padded(mark($0, .subscribe, StaticRoles.hostStream, scope), 13)
            }.joined()
            lines.append(
                padded("\(StaticRoles.hostStream) subscribe", 44) + stream.trimmingCharacters(in: .whitespaces)
            )
        }
        lines += [
            "", "beside the types", "scripts   whoever sees schemas; transforms what is sent, and keeps nothing",
            "token     nobody at first: logging in; a login is its holder's to end",
            "tokens    the same", "openid    everybody: it is how one logs in",
            "openapi.json whoever sees schemas; what is in it is what they see",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    @Test func `the matrix is the reviewed one`() throws {
        let now: String = Self.matrix()
        if ProcessInfo.processInfo.environment["DROVER_REWRITE"] == "1" {
            try now.write(to: Self.path, atomically: true, encoding: .utf8)
        }
        let reviewed: String = try String(contentsOf: Self.path, encoding: .utf8)
        let differing: [String] = Set(now.split(separator: "\n")).symmetricDifference(reviewed.split(separator: "\n"))
            .sorted().map(String.init)
        #expect(differing.isEmpty)
        #expect(now == reviewed)
    }
}
