import Bytes
package import JSON
package import Store

/// Whether what a node has written down is what happened: its history, and its trail.
package struct AuditReport: Sendable {
    package var history: HistoryVerdict?
    package var trail: TrailVerdict

    package init(history: HistoryVerdict?, trail: TrailVerdict) {
        self.history = history
        self.trail = trail
    }

    /// Of a node's data folder, whether the node runs or not.
    ///
    /// - Throws: ``NodeFault`` when there is no history that can be read.
    package static func of(_ folder: DataFolder) throws(NodeFault) -> AuditReport {
        guard folder.isFounded else { throw .notFounded(folder: folder.path) }
        do throws(StoreFault) {
            return AuditReport(
                history: try HistoryReader(folder: folder.state).verify(),
                trail: Trail.verify(folder: folder.trail)
            )
        } catch {
            throw .storage("\(error)")
        }
    }

    package var isWhole: Bool { history?.isWhole ?? true && trail.problem == nil }

    package var json: JSONValue {
        var document: JSONObject = ["type": "auditReport", "whole": .bool(isWhole)]
        if let history {
            document["history"] = .object([
                "whole": .bool(history.isWhole), "from": JSONValue(history.from), "to": JSONValue(history.to),
                "entries": JSONValue(history.entries), "head": .string(Hex.encode(history.head)),
                "anchor": .string(Hex.encode(history.anchor)),
                "problemAt": history.problem.map { JSONValue($0.revision) } ?? .null,
                "problem": JSONValue(history.problem?.reason),
            ])
        }
        document["trail"] = .object([
            "whole": .bool(trail.problem == nil), "files": JSONValue(trail.files), "lines": JSONValue(trail.lines),
            "from": JSONValue(trail.from), "to": JSONValue(trail.to), "head": .string(trail.head),
            "dropped": JSONValue(trail.dropped), "problem": JSONValue(trail.problem),
        ])
        return .object(document)
    }
}
