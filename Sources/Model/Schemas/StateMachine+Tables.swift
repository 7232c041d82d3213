/// The state tables of the contract, as far as Drover runs their processes.
extension StateMachine {
    /// The records go some time after the removal by themselves; this only says that nobody needs to see them any more.
    private static let purge = Process("purge", from: ["removed"], via: "purging", done: "purged")

    /// Accounts, environments, credentials, members (contract O2).
    ///
    /// Note that `remove` is not legal from `active`.
    package static let standard = StateMachine([
        Process("create", from: ["requested"], via: "registering", done: "inactive"),
        Process("activate", from: ["inactive", "registering"], via: "activating", done: "active"),
        Process(
            "deactivate",
            from: ["requested", "registering", "active", "activating", "updating-active", "updating-inactive"],
            via: "deactivating",
            done: "inactive"
        ),
        Process(
            "remove",
            from: ["requested", "inactive", "registering", "updating-active", "updating-inactive"],
            via: "removing",
            done: "removed"
        ),
        Process("update", from: ["inactive"], via: "updating-inactive", done: "inactive"),
        Process("update", from: ["active"], via: "updating-active", done: "active"),
        purge,
    ])

    /// Roles and what gives them: nothing is to be carried out, and they can be removed as they are.
    package static let access = StateMachine([
        Process("create", from: ["requested"], via: "registering", done: "active"),
        Process("activate", from: ["inactive"], via: "activating", done: "active"),
        Process("deactivate", from: ["active"], via: "deactivating", done: "inactive"),
        Process("remove", from: ["active", "inactive"], via: "removing", done: "removed"),
    ])

    /// Containers (contract O3).
    package static let instance = StateMachine([
        Process("create", from: ["requested"], via: "creating", done: "stopped"),
        Process("start", from: ["stopped", "creating"], via: "starting", done: "running"),
        Process(
            "stop",
            from: [
                "creating", "running", "starting", "restarting", "updating-running", "updating-stopped",
            ],
            via: "stopping",
            done: "stopped"
        ),
        Process("restart", from: ["running"], via: "restarting", done: "running"),
        Process("error", from: ["creating", "stopped"], via: "erroring", done: "error"),
        Process(
            "remove",
            from: [
                "requested", "creating", "updating-running", "updating-stopped", "stopped", "erroring", "error",
            ],
            via: "removing",
            done: "removed"
        ),
        Process("update", from: ["stopped"], via: "updating-stopped", done: "stopped"),
        Process("update", from: ["running"], via: "updating-running", done: "running"),
        purge,
    ])

    /// Services (contract O4).
    package static let service = StateMachine([
        Process("create", from: ["requested"], via: "registering", done: "inactive"),
        Process("activate", from: ["inactive", "restarting"], via: "activating", done: "active"),
        Process(
            "deactivate",
            from: ["restarting", "active", "activating", "updating-inactive", "updating-active"],
            via: "deactivating",
            done: "inactive"
        ),
        Process("update", from: ["inactive"], via: "updating-inactive", done: "inactive"),
        Process("update", from: ["active", "updating-active"], via: "updating-active", done: "active"),
        Process("update", from: ["activating"], via: "activating", done: "active"),
        Process("restart", from: ["active"], via: "restarting", done: "active"),
        Process(
            "remove",
            from: [
                "requested", "registering", "inactive", "activating", "active", "deactivating", "updating-inactive",
                "updating-active", "restarting",
            ],
            via: "removing",
            done: "removed"
        ),
    ])

    /// Stacks (contract O5).
    ///
    /// Their state does not follow that of their services.
    package static let stack = StateMachine([
        Process("create", from: ["requested"], via: "activating", done: "active"),
        Process("error", from: ["activating"], via: "erroring", done: "error"),
        Process("update", from: ["active"], via: "updating-active", done: "active"),
        Process(
            "remove",
            from: ["requested", "activating", "active", "updating-active", "erroring", "error"],
            via: "removing",
            done: "removed"
        ),
    ])

    /// Hosts (contract O6).
    ///
    /// Not removable from `active`: deactivate first.
    package static let host = StateMachine([
        Process("create", from: ["requested"], via: "registering", done: "inactive"),
        Process("activate", from: ["inactive", "registering"], via: "activating", done: "active"),
        Process(
            "deactivate",
            from: ["requested", "registering", "active", "activating", "updating-active", "updating-inactive"],
            via: "deactivating",
            done: "inactive"
        ),
        Process(
            "remove",
            from: [
                "requested", "inactive", "activating", "deactivating", "registering", "updating-active",
                "updating-inactive",
            ],
            via: "removing",
            done: "removed"
        ),
        Process("update", from: ["inactive"], via: "updating-inactive", done: "inactive"),
        Process("update", from: ["active"], via: "updating-active", done: "active"),
        purge,
    ])

    /// Volumes (contract O7): `inactive` when made, `active` while mounted, `detached` after.
    package static let volume = StateMachine([
        Process("create", from: ["requested"], via: "registering", done: "inactive"),
        Process("activate", from: ["inactive", "registering", "detached"], via: "activating", done: "active"),
        Process(
            "deactivate",
            from: ["requested", "registering", "active", "activating", "updating-active", "updating-inactive"],
            via: "deactivating",
            done: "detached"
        ),
        Process(
            "remove",
            from: [
                "requested", "inactive", "detached", "deactivating", "registering", "updating-active",
                "updating-inactive",
            ],
            via: "removing",
            done: "removed"
        ),
        Process("update", from: ["inactive"], via: "updating-inactive", done: "inactive"),
        Process("update", from: ["active"], via: "updating-active", done: "active"),
        purge,
    ])
}
