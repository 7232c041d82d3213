package import JSON

/// What is wanted of a container.
package enum ContainerGoal: String, Sendable, Hashable, CaseIterable {
    case running
    case stopped
}

/// One container as its host is to keep it.
package struct InstanceSpec: Sendable, Hashable {
    package var uuid: String
    /// The instance's number in the store, for people: `1i42` has 42.
    package var number: UInt64
    package var name: String
    package var goal: ContainerGoal
    /// Grows with every order to start (again).
    ///
    /// From 1.
    package var generation: UInt64
    /// The store's revision that last changed this order.
    package var revision: UInt64
    /// The members of the API's launch configuration under their API names (`imageUuid`, `command`, `ports` …).
    package var launch: JSONObject

    package init(
        uuid: String,
        number: UInt64,
        name: String,
        goal: ContainerGoal,
        generation: UInt64,
        revision: UInt64,
        launch: JSONObject
    ) {
        self.uuid = uuid
        self.number = number
        self.name = name
        self.goal = goal
        self.generation = generation
        self.revision = revision
        self.launch = launch
    }

    package init(_ members: FrameMembers) throws(FrameError) {
        self.init(
            uuid: try members.uuid("uuid"),
            number: try members.count("number"),
            name: try members.text("name"),
            goal: try members.word("goal", ContainerGoal.self),
            generation: try members.count("generation"),
            revision: try members.count("revision"),
            launch: try members.object("launch")
        )
    }

    package var json: JSONValue {
        [
            "uuid": .string(uuid), "number": JSONValue(number), "name": .string(name), "goal": .string(goal.rawValue),
            "generation": JSONValue(generation), "revision": JSONValue(revision), "launch": .object(launch),
        ]
    }
}

/// The order to remove a container: nothing else ever removes one.
package struct Tombstone: Sendable, Hashable {
    package var uuid: String
    package var number: UInt64
    /// The last generation of the instance.
    package var generation: UInt64
    /// The store's revision at which the instance was given up.
    package var revision: UInt64

    package init(uuid: String, number: UInt64, generation: UInt64, revision: UInt64) {
        self.uuid = uuid
        self.number = number
        self.generation = generation
        self.revision = revision
    }

    package init(_ members: FrameMembers) throws(FrameError) {
        self.init(
            uuid: try members.uuid("uuid"),
            number: try members.count("number"),
            generation: try members.count("generation"),
            revision: try members.count("revision")
        )
    }

    package var json: JSONValue {
        [
            "uuid": .string(uuid), "number": JSONValue(number), "generation": JSONValue(generation),
            "revision": JSONValue(revision),
        ]
    }
}
