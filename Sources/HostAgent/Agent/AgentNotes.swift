import HostAgentCore
import HostProtocol
import JSON
import Logging

/// From the core's notes to the log.
enum AgentNotes {
    static func log(_ note: AgentNote, _ logger: Logger) {
        switch note {
        case .refusedFrame(let type, let stamp, let reason):
            logger.notice(
                "frame refused",
                [
                    "frame.type": .string(type), "frame.stamp": .string("\(stamp)"), "reason": .string(reason),
                ]
            )
        case .unknownFrame(let type): logger.info("frame of an unknown type ignored", ["frame.type": .string(type)])
        case .ignoredOrder(let uuid, let reason):
            logger.notice("order ignored", ["instance.uuid": .string(uuid), "reason": .string(reason)])
        case .adopted(let incarnation, let instead):
            logger.notice(
                "following a cluster",
                ["cluster.incarnation": .string(incarnation), "cluster.before": JSONValue(instead)]
            )
        case .orphaned(let uuid, let name):
            logger.notice(
                "the server does not list an instance any more; its container is kept",
                instance(uuid, name)
            )
        case .duplicate(let uuid, let externalID):
            logger.notice(
                "a second container of an instance is kept",
                ["instance.uuid": .string(uuid), "container.id": .string(externalID)]
            )
        case .revived(let uuid, let name): logger.notice("starting what ran before", instance(uuid, name))
        case .removed(let uuid): logger.info("removed", ["instance.uuid": .string(uuid)])
        case .failed(let uuid, let name, let message):
            var data: JSONObject = instance(uuid, name)
            data["reason"] = .string(message)
            logger.notice("an operation on a container failed", data)
        case .inventoryFailed(let message):
            logger.notice("cannot look at the containers", ["reason": .string(message)])
        }
    }

    private static func instance(_ uuid: String, _ name: String) -> JSONObject {
        ["instance.uuid": .string(uuid), "instance.name": .string(name)]
    }
}
