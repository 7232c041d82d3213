internal import JSON

/// One line of a recorded history: a JSON object, without a line break.
///
/// Shape, members in any order:
/// - `{"kind":"operation","client":"c1","key":"k","do":"replace","value":"x","if":12,"heard":"done","revision":13,"from":100,"to":120}`;
///   `do`: `read`, `write`, `create`, `replace`, `delete`; `if` is the expected revision; `heard`: `found` (with `saw`), `absent`,
///   `done`, `refused` (with `actual`), `failed`, `unknown` (without `to`).
/// - `{"kind":"watch","watcher":"w1","keys":["k"],"labels":["l"],"step":"opened","from":5}`; the filter counts on a watcher's
///   first line; `step`: `opened` (`from`), `event` (`revision`, `changes` of `key`, `change`, `before`, `after`), `bookmark`
///   (`revision`), `ended` (`from`), `listed` (`revision`, `contents`).
/// - `{"kind":"note", …}` says something to people and is not judged.
package enum HistoryLine: Hashable, Sendable {
    case operation(ClientOperation)
    case watch(String, WatchRecord.Filter, WatchRecord.Step)
    case note(String)

    package var text: String { String(decoding: JSONWriter.bytes(.object(object)), as: UTF8.self) }

    private var object: JSONObject {
        switch self {
        case .operation(let operation): Self.object(operation)
        case .watch(let watcher, let filter, let step): Self.object(watcher, filter, step)
        case .note(let text): ["kind": "note", "text": .string(text)]
        }
    }

    // MARK: Writing

    private static func object(_ operation: ClientOperation) -> JSONObject {
        var object: JSONObject = [
            "kind": "operation", "client": .string(operation.client), "key": .string(operation.key),
        ]
        func add(_ name: String, _ number: UInt64?) { if let number { object[name] = JSONValue(number) } }
        switch operation.request {
        case .read: object["do"] = "read"
        case .write(let value):
            object["do"] = "write"
            object["value"] = .string(value)
        case .create(let value):
            object["do"] = "create"
            object["value"] = .string(value)
        case .replace(let value, let revision):
            object["do"] = "replace"
            object["value"] = .string(value)
            add("if", revision)
        case .delete(let revision):
            object["do"] = "delete"
            add("if", revision)
        }
        switch operation.outcome {
        case .found(let value, let revision):
            object["heard"] = "found"
            object["saw"] = .string(value)
            add("revision", revision)
        case .absent: object["heard"] = "absent"
        case .done(let revision):
            object["heard"] = "done"
            add("revision", revision)
        case .refused(let actual):
            object["heard"] = "refused"
            add("actual", actual)
        case .failed: object["heard"] = "failed"
        case .unknown: object["heard"] = "unknown"
        }
        object["from"] = .int(operation.invoked)
        if operation.outcome != .unknown { object["to"] = .int(operation.returned) }
        return object
    }

    private static func object(
        _ watcher: String,
        _ filter: WatchRecord.Filter,
        _ step: WatchRecord.Step
    ) -> JSONObject {
        var object: JSONObject = ["kind": "watch", "watcher": .string(watcher)]
        if let keys = filter.keys { object["keys"] = JSONValue(keys.sorted()) }
        if !filter.labels.isEmpty { object["labels"] = JSONValue(filter.labels.sorted()) }
        switch step {
        case .opened(let revision):
            object["step"] = "opened"
            object["from"] = JSONValue(revision)
        case .event(let revision, let changes):
            object["step"] = "event"
            object["revision"] = JSONValue(revision)
            object["changes"] = .array(
                changes.map { change in
                    var member: JSONObject = ["key": .string(change.key), "change": .string(change.kind.rawValue)]
                    if let before = change.before { member["before"] = .string(before) }
                    if let after = change.after { member["after"] = .string(after) }
                    return .object(member)
                }
            )
        case .bookmark(let revision):
            object["step"] = "bookmark"
            object["revision"] = JSONValue(revision)
        case .ended(let revision):
            object["step"] = "ended"
            if let revision { object["from"] = JSONValue(revision) }
        case .listed(let revision, let contents):
            object["step"] = "listed"
            object["revision"] = JSONValue(revision)
            if let contents {
                var members = JSONObject()
                for (key, value) in contents.sorted(by: { $0.key < $1.key }) { members.append(key, .string(value)) }
                object["contents"] = .object(members)
            }
        }
        return object
    }

    // MARK: Reading

    struct Fault: Error { var reason: String }

    init(_ line: Substring) throws(Fault) {
        let object: JSONObject
        do {
            guard let found: JSONObject = try JSONReader.parse(String(line)).object else {
                throw Fault(reason: "it is no JSON object")
            }
            object = found
        } catch {
            throw Fault(reason: "it is no JSON object: \(error)")
        }
        let reader = Members(object: object)
        switch try reader.text("kind") {
        case "operation": self = .operation(try reader.operation())
        case "watch": self = .watch(try reader.text("watcher"), try reader.filter(), try reader.step())
        case "note": self = .note(object["text"]?.string ?? "")
        case let kind: throw Fault(reason: "the kind \(kind) is not known")
        }
    }

    private struct Members {
        let object: JSONObject

        func text(_ name: String) throws(Fault) -> String {
            guard let text: String = object[name]?.string else { throw Fault(reason: "\(name) is missing or no text") }
            return text
        }

        func number(_ name: String) throws(Fault) -> UInt64 {
            guard let number: UInt64 = try optional(name) else { throw Fault(reason: "\(name) is missing") }
            return number
        }

        func optional(_ name: String) throws(Fault) -> UInt64? {
            guard let member: JSONValue = object[name] else { return nil }
            guard let number: Int64 = member.int, number >= 0 else {
                throw Fault(reason: "\(name) is no number from 0 on")
            }
            return UInt64(number)
        }

        func operation() throws(Fault) -> ClientOperation {
            let request: ClientOperation.Request =
                switch try text("do") {
                case "read": .read
                case "write": .write(try text("value"))
                case "create": .create(try text("value"))
                case "replace": .replace(try text("value"), revision: try number("if"))
                case "delete": .delete(revision: try optional("if"))
                case let other: throw Fault(reason: "nobody can do \(other)")
                }
            let outcome: ClientOperation.Outcome =
                switch try text("heard") {
                case "found": .found(try text("saw"), revision: try optional("revision"))
                case "absent": .absent
                case "done": .done(revision: try optional("revision"))
                case "refused": .refused(actual: try optional("actual"))
                case "failed": .failed
                case "unknown": .unknown
                case let other: throw Fault(reason: "nobody can hear \(other)")
                }
            guard let from: Int64 = object["from"]?.int else { throw Fault(reason: "from is missing or no number") }
            let to: Int64? = object["to"]?.int
            guard to != nil || outcome == .unknown else { throw Fault(reason: "to is missing or no number") }
            let operation = ClientOperation(
                client: try text("client"),
                key: try text("key"),
                request: request,
                outcome: outcome,
                invoked: from,
                returned: to ?? .max
            )
            guard operation.isWellFormed else { throw Fault(reason: "no such operation can be: \(operation)") }
            return operation
        }

        func filter() throws(Fault) -> WatchRecord.Filter {
            func texts(_ name: String) -> Set<String>? {
                object[name]?.array.map { Set($0.compactMap(\.string)) }
            }
            return WatchRecord.Filter(keys: texts("keys"), labels: texts("labels") ?? [])
        }

        func step() throws(Fault) -> WatchRecord.Step {
            switch try text("step") {
            case "opened": return .opened(from: try number("from"))
            case "event": return .event(revision: try number("revision"), try changes())
            case "bookmark": return .bookmark(revision: try number("revision"))
            case "ended": return .ended(resumeFrom: try optional("from"))
            case "listed":
                let contents: [String: String]? = object["contents"]?.object.map { members in
                    Dictionary(members.compactMap { key, value in value.string.map { (key, $0) } }) { $1 }
                }
                return .listed(revision: try number("revision"), contents)
            case let other: throw Fault(reason: "no watch has a step \(other)")
            }
        }

        private func changes() throws(Fault) -> [WatchedChange] {
            guard let members: [JSONValue] = object["changes"]?.array else { throw Fault(reason: "changes is no list") }
            var changes: [WatchedChange] = []
            for member in members {
                guard let key: String = member["key"]?.string,
                    let kind = WatchedChange.Kind(rawValue: member["change"]?.string ?? "")
                else { throw Fault(reason: "a change has no key, or no kind that is known") }
                changes.append(
                    WatchedChange(
                        key: key,
                        kind: kind,
                        before: member["before"]?.string,
                        after: member["after"]?.string
                    )
                )
            }
            return changes
        }
    }
}
