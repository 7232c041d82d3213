import JSON

extension Schemas {
    /// A host.
    ///
    /// It comes into being by registration, not by POST.
    static let host = ResourceDefinition(
        "host",
        table: .host,
        observedTable: .hostObserved,
        isEnvironmentScoped: true,
        collectionMethods: [.get],
        resourceMethods: [.get, .put, .delete],
        fields: CommonFields.lifecycle(.host).filter { $0.name != "state" } + [
            // While the host is active the state shows how its agent is: see ``HostState``.
            FieldDefinition(
                "state",
                .enum,
                [.notNull],
                options: (StateMachine.host.states + ["reconnecting", "disconnected"]).sorted(),
                from: .computed
            ),
            FieldDefinition("name", .string, .update, maxLength: 255),
            FieldDefinition("description", .string, .update, maxLength: 1024),
            FieldDefinition("hostname", .string),
            FieldDefinition("labels", .map(.string), [.update, .schedulesUpdate]),
            FieldDefinition("agentState", .string, from: .observed),
            FieldDefinition("agentIpAddress", .string, from: .observed, about: "Where its published ports answer"),
            FieldDefinition("dockerVersion", .string, [.unfiltered], from: .observed),
            FieldDefinition("runtime", .string, [.unfiltered], from: .observed, about: "What runs its containers"),
            FieldDefinition("info", .json, from: .observed),
            // What the agent finds, unless a user says otherwise: see ``HostRecord/totals``.
            FieldDefinition("memory", .int, [.update, .unfiltered], about: "In bytes"),
            FieldDefinition("milliCpu", .int, [.update, .unfiltered], about: "Thousandths of a processor"),
            FieldDefinition("localStorageMb", .int, [.update, .unfiltered], about: "In MiB"),
            FieldDefinition("instanceIds", .array(.reference("instance")), from: .computed),
            CommonFields.publicEndpoints,
            FieldDefinition("computeTotal", .int, [.unfiltered], from: .computed, about: "Places for instances"),
        ]
            + CommonFields.unfilled([
                ("agentId", .reference("agent")), ("driver", .string), ("hostTemplateId", .string),
                ("physicalHostId", .reference("physicalHost")), ("stackId", .reference("stack")),
            ]),
        states: .host,
        actions: [
            .process("activate", of: "host"),
            .process("deactivate", of: "host"),
            .process("remove", of: "host"),
            .process("update", of: "host"),
            .process("purge", of: "host"),
            ActionDefinition("evacuate", output: "host", states: ["active", "inactive"]),
        ],
        links: [
            LinkDefinition("account", to: "project", .reference(field: "accountId")),
            LinkDefinition("instances", to: "instance", .children(table: .instance, member: "hostId")),
            LinkDefinition("volumes", to: "volume", .children(table: .volume, member: "hostId")),
        ]
    )
}
