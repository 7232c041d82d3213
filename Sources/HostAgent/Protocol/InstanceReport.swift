package import JSON

/// What a container is doing; the words are those that the store keeps.
package enum ContainerCondition: String, Sendable, Hashable, CaseIterable {
    case pulling, creating, starting, running, stopping, stopped
    /// The agent tried and could not; ``Observation/message`` says what.
    case error
    /// The tombstone was carried out, or there is no container.
    case gone
}

/// One container, as its host sees it.
package struct Observation: Sendable, Hashable {
    package var uuid: String
    package var number: UInt64
    /// The order that this is about: see ``InstanceSpec/generation``.
    package var generation: UInt64
    package var condition: ContainerCondition
    /// The runtime's id of the container.
    package var externalID: String?
    /// For people: progress, or what went wrong.
    package var message: String?
    /// Of the last run, when it has ended.
    package var exitCode: Int64?
    /// How often this agent has started the container.
    package var startCount: UInt64
    package var primaryIPAddress: String?
    /// RFC 3339.
    package var startedAt: String?

    package init(
        uuid: String,
        number: UInt64,
        generation: UInt64,
        condition: ContainerCondition,
        externalID: String? = nil,
        message: String? = nil,
        exitCode: Int64? = nil,
        startCount: UInt64 = 0,
        primaryIPAddress: String? = nil,
        startedAt: String? = nil
    ) {
        self.uuid = uuid
        self.number = number
        self.generation = generation
        self.condition = condition
        self.externalID = externalID
        self.message = message
        self.exitCode = exitCode
        self.startCount = startCount
        self.primaryIPAddress = primaryIPAddress
        self.startedAt = startedAt
    }

    package init(_ members: FrameMembers) throws(FrameError) {
        self.init(
            uuid: try members.uuid("uuid"),
            number: try members.count("number"),
            generation: try members.count("generation"),
            condition: try members.word("condition", ContainerCondition.self),
            externalID: try members.optionalText("externalId"),
            message: try members.optionalText("message"),
            exitCode: try members.optionalInteger("exitCode"),
            startCount: try members.optionalCount("startCount") ?? 0,
            primaryIPAddress: try members.optionalText("primaryIpAddress"),
            startedAt: try members.optionalText("startedAt")
        )
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "uuid": .string(uuid), "number": JSONValue(number), "generation": JSONValue(generation),
            "condition": .string(condition.rawValue),
        ]
        object.append("externalId", ifPresent: externalID)
        object.append("message", ifPresent: message)
        object.append("exitCode", ifPresent: exitCode)
        object.append("startCount", JSONValue(startCount))
        object.append("primaryIpAddress", ifPresent: primaryIPAddress)
        object.append("startedAt", ifPresent: startedAt)
        return .object(object)
    }
}

/// A container that carries this host's label but that the server does not list: kept, and told about.
package struct Orphan: Sendable, Hashable {
    package var externalID: String
    package var name: String
    package var uuid: String

    package init(externalID: String, name: String, uuid: String) {
        self.externalID = externalID
        self.name = name
        self.uuid = uuid
    }

    package init(_ members: FrameMembers) throws(FrameError) {
        self.init(
            externalID: try members.text("externalId"),
            name: try members.text("name"),
            uuid: try members.uuid("uuid")
        )
    }

    package var json: JSONValue {
        ["externalId": .string(externalID), "name": .string(name), "uuid": .string(uuid)]
    }
}

/// What a host says of its containers.
///
/// Absence is never news here either: a container that a full report does not name is one that the agent was
/// never told of.
package struct Report: Sendable, Hashable {
    /// All that the agent knows, as after each connect; else what has changed.
    package var isFull: Bool
    /// From 0; the parts of one report follow each other.
    package var part: Int
    package var isLast: Bool
    package var observations: [Observation]
    /// The whole list, or nil when it has not changed.
    package var orphans: [Orphan]?

    package init(
        isFull: Bool,
        part: Int = 0,
        isLast: Bool = true,
        observations: [Observation],
        orphans: [Orphan]? = nil
    ) {
        self.isFull = isFull
        self.part = part
        self.isLast = isLast
        self.observations = observations
        self.orphans = orphans
    }

    init(_ members: FrameMembers) throws(FrameError) {
        let hasOrphans: Bool = members.optional("orphans") != nil
        let orphans: [Orphan] = try members.list("orphans") { (each) throws(FrameError) in try Orphan(each) }
        self.init(
            isFull: try members.flag("full"),
            part: Int(clamping: try members.optionalCount("part") ?? 0),
            isLast: try members.flag("last", absent: true),
            observations: try members.list("observations") { (each) throws(FrameError) in try Observation(each) },
            orphans: hasOrphans ? orphans : nil
        )
    }

    func append(to object: inout JSONObject) {
        object.append("full", .bool(isFull))
        object.append("part", JSONValue(part))
        object.append("last", .bool(isLast))
        object.append("observations", .array(observations.map(\.json)))
        if let orphans { object.append("orphans", .array(orphans.map(\.json))) }
    }
}
