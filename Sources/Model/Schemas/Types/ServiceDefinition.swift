import JSON
import Limits

extension Schemas {
    static let service = ResourceDefinition(
        "service",
        table: .service,
        observedTable: .serviceObserved,
        isEnvironmentScoped: true,
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: CommonFields.lifecycle(.service) + [
            CommonFields.labelName([.create, .update, .required, .unique, .schedulesUpdate]),
            CommonFields.description,
            CommonFields.creatorID,
            FieldDefinition("stackId", .reference("stack"), [.create, .required]),
            FieldDefinition(
                "scale",
                .int,
                .createReconcile,
                default: 1,
                min: 0,
                max: Int64(Limits.serviceScale),
                about: "How many instances; not used by global services"
            ),
            FieldDefinition("launchConfig", .embedded("launchConfig"), [.create, .required]),
            FieldDefinition("startOnCreate", .boolean, [.create, .notNull, .unfiltered], default: false),
            FieldDefinition("metadata", .map(.json), .createReconcile),
            FieldDefinition("externalId", .string, .create),
            FieldDefinition("createIndex", .int, about: "The last index given to an instance"),
            FieldDefinition("currentScale", .int, from: .observed),
            FieldDefinition("system", .boolean, [.notNull], default: false),
            CommonFields.healthState,
            CommonFields.publicEndpoints,
            FieldDefinition("instanceIds", .array(.reference("instance")), from: .computed),
            FieldDefinition("linkedServices", .map(.reference("service")), [.unfiltered], from: .computed),
            CommonFields.never("assignServiceIpAddress"),
        ]
            + CommonFields.unfilled([
                ("fqdn", .string), ("lbConfig", .json),
                ("retainIp", .boolean), ("scalePolicy", .json), ("secondaryLaunchConfigs", .array(.json)),
                ("selectorContainer", .string), ("selectorLink", .string), ("upgrade", .json), ("vip", .string),
            ]),
        states: .service,
        actions: [
            .process("activate", of: "service"),
            .process("deactivate", of: "service"),
            .process("remove", of: "service"),
            .process("update", of: "service"),
            ActionDefinition("restart", input: "serviceRestart", output: "service", process: "restart"),
            // Clients set the links of every service that they deploy, also of those that have none.
            ActionDefinition(
                "setservicelinks",
                input: "setServiceLinksInput",
                output: "service",
                states: [
                    "registering", "inactive", "activating", "active", "deactivating", "updating-active",
                    "updating-inactive", "restarting",
                ]
            ),
        ],
        links: [
            LinkDefinition("account", to: "project", .reference(field: "accountId")),
            LinkDefinition("stack", to: "stack", .reference(field: "stackId")),
            LinkDefinition("instances", to: "instance", .children(table: .instance, member: "serviceId")),
            LinkDefinition("consumedservices", to: "serviceConsumeMap", .none),
            LinkDefinition("consumedbyservices", to: "serviceConsumeMap", .none),
            LinkDefinition("serviceLogs", to: "serviceLog", .none),
        ],
        unsupported: [
            UnsupportedMember("secondaryLaunchConfigs", "sidekicks are not built yet"),
            UnsupportedMember("scalePolicy", "scale policies are not built yet: set scale"),
            UnsupportedMember("selectorLink", "links by selector are not built yet"),
            UnsupportedMember("selectorContainer", "adopting containers by selector is not built yet"),
            UnsupportedMember("lbConfig", "load balancers are not built yet"),
            UnsupportedMember("assignServiceIpAddress", "service addresses are not built yet"),
            UnsupportedMember("vip", "service addresses are not built yet"),
            UnsupportedMember("retainIp", "keeping addresses over replacements is not built yet"),
        ]
    )
}
