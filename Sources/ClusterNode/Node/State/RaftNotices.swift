import JSON
import Logging
import Model
import RaftCore

/// What of a group's observations is worth a line of the log, in the words of operators.
enum RaftNotices {
    static func tell(_ observation: Observation, _ name: (MemberID) -> String, _ logger: Logger) {
        switch observation {
        case .becameLeader(let term): logger.notice("became leader", ["raft.term": JSONValue(term)])
        case .steppedDown(let term, let cause):
            var about: JSONObject = ["raft.term": JSONValue(term), "cause": .string("\(cause)")]
            if let next: String = next(after: cause) { about["next"] = .string(next) }
            logger.notice("stepped down", about)
        case .following(let leader, let term):
            logger.notice("follows", ["leader": .string(name(leader)), "raft.term": JSONValue(term)])
        case .memberLostLog(let member, let acknowledged, let has):
            let node: String = name(member)
            logger.error(
                "a node has lost what it had acknowledged, and is not counted any more",
                [
                    "node": .string(node),
                    "next": .string(
                        "run `drover cluster remove \(node)`, empty its data folder, and let it join with a new token"
                    ), "acknowledged": JSONValue(acknowledged), "has": JSONValue(has),
                ]
            )
        case .snapshotStarted(let member, let position, let bytes):
            logger.notice(
                "snapshot on its way",
                ["node": .string(name(member)), "raft.index": JSONValue(position.index), "bytes": JSONValue(bytes)]
            )
        case .snapshotDelivered(let member, let position):
            logger.notice(
                "snapshot delivered",
                ["node": .string(name(member)), "raft.index": JSONValue(position.index)]
            )
        case .snapshotFailed(let member, let reason):
            logger.notice("snapshot not delivered", ["node": .string(name(member)), "reason": .string(reason)])
        case .snapshotInstalled(let position):
            logger.notice("snapshot installed", ["raft.index": JSONValue(position.index)])
        case .installFailed(let position, let reason):
            logger.error(
                "snapshot not installed",
                ["raft.index": JSONValue(position.index), "reason": .string(reason)]
            )
        case .memberMends(let member, let acknowledged, let has):
            logger.error(
                "a node has lost a part of its log, and fetches it again",
                [
                    "node": .string(name(member)), "acknowledged": JSONValue(acknowledged), "has": JSONValue(has),
                ]
            )
        case .mended(let through):
            logger.notice("the log is whole again", ["raft.index": JSONValue(through)])
        case .diskSlow(let heir):
            logger.notice(
                "leadership moves, as the disk here is slower than the others",
                ["to": .string(name(heir)), "next": .string("look at the disk of this node: iostat -x")]
            )
        case .logStalled: logger.error("the log waits for space on its disk; nothing was lost")
        case .logResumed: logger.notice("the log goes on")
        case .removedSender(let member):
            logger.notice("a removed node speaks", ["node": .string(name(member))])
        default: logger.debug("observed", ["raft.observation": .string("\(observation)")])
        }
    }

    /// What an operator does about it, if it lasts.
    private static func next(after cause: StepDownCause) -> String? {
        switch cause {
        case .noQuorum:
            "Start the other nodes and mend the network. If a majority is gone for good: drover cluster recover "
                + "(docs/runbooks/lost-quorum.md)."
        case .diskStalled: "drover cluster drain, and look at the disk of this node (docs/runbooks/slow-disk.md)"
        case .higherTerm, .removed: nil
        }
    }

    static func mending(_ target: LogIndex, _ alarms: Alarms, _ node: String, _ folder: DataFolder) {
        alarms.raise(
            Alarm.Kind.logDamaged,
            "a part of the log or of the state in \(folder.path) was damaged; the damaged files are kept beside it. \(node) "
                + "fetches what is missing, up to entry \(target), from the others, and does not vote until it has it. If it stays "
                + "so, no node that runs has it: remove \(node) and join it again with an empty folder, or recover the cluster",
            command: "drover cluster remove \(node)"
        )
    }

    /// Raises and ends the alarms that follow from what a group observes.
    static func alarm(_ observation: Observation, _ alarms: Alarms, _ folder: DataFolder) {
        switch observation {
        case .logStalled:
            alarms.raise(
                Alarm.Kind.logStalled,
                "the log in \(folder.log) cannot be written: there is no space. Nothing that was acknowledged is lost; this "
                    + "node takes part again by itself when there is space",
                command: "df -h \(folder.log)"
            )
        case .mended: alarms.end(Alarm.Kind.logDamaged)
        case .logResumed: alarms.end(Alarm.Kind.logStalled)
        default: break
        }
    }
}
