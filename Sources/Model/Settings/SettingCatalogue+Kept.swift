extension SettingCatalogue {
    /// Known to existing clients and scripts; nothing in this version acts on them, or what acts on them says so where it
    /// reads them.
    static let kept: [SettingDefinition] = [
        SettingDefinition(
            "account.version",
            "2",
            .number(0...1000),
            "Target version of account upgrades",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "agent.ping.reconnect.after.failed.count",
            "6",
            .number(1...1000),
            "Agent liveness",
            isKept: true
        ),
        SettingDefinition("agent.ping.timeout.seconds", "15", .number(1...86_400), "Agent liveness", isKept: true),
        SettingDefinition(
            "allow.restricted.user.exec",
            "false",
            .boolean,
            "Exec into privileged containers for restricted roles",
            isKept: true
        ),
        SettingDefinition(
            "api.auth.azure.admin.account.password",
            "",
            .text,
            "Password of the Azure directory's account",
            isKept: true,
            isSecret: true
        ),
        SettingDefinition(
            "api.auth.github.client.secret",
            "",
            .text,
            "Secret of the GitHub application",
            isKept: true,
            isSecret: true
        ),
        SettingDefinition(
            "api.auth.ldap.service.account.password",
            "",
            .text,
            "Password of the directory's account",
            isKept: true,
            isSecret: true
        ),
        SettingDefinition(
            "api.auth.openldap.service.account.password",
            "",
            .text,
            "Password of the directory's account",
            isKept: true,
            isSecret: true
        ),
        SettingDefinition(
            "api.auth.shibboleth.redirect.whitelist",
            "",
            .text,
            "Addresses that a SAML login may return to",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "api.interceptor.config.file",
            "config.json",
            .text,
            "Where the original wrote the interceptors",
            isKept: true
        ),
        SettingDefinition("api.proxy.allow", "true", .boolean, "Forward proxy", isKept: true),
        SettingDefinition("api.proxy.whitelist", "", .text, "Hosts of the forward proxy", isKept: true),
        SettingDefinition(
            "api.show.removed.for.seconds",
            "-300",
            .number(-86_400...86_400),
            "How long lists show what was removed",
            isKept: true
        ),
        SettingDefinition(
            "api.sub.ping.interval.millis",
            "5000",
            .number(100...600_000),
            "Between two pings of a subscription",
            isKept: true
        ),
        SettingDefinition("api.ui.index", "", .text, "Where the user interface is", isPublic: true, isKept: true),
        SettingDefinition(
            "bootstrap.required.image",
            "rancher/agent:v1.2.11",
            .text,
            "Image of the original agent",
            isKept: true
        ),
        SettingDefinition(
            "catalog.refresh.interval.seconds",
            "300",
            .number(1...31_536_000),
            "Between two looks at the catalogs",
            isKept: true
        ),
        SettingDefinition(
            "catalog.url",
            "{}",
            .json,
            "Catalogs: {\"catalogs\": {\"name\": {\"url\", \"branch\"}}}",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition("cattle.version", "", .text, "Version of the original server", isPublic: true, isKept: true),
        SettingDefinition("cleanup.query_limit.rows", "1000", .number(1...100_000), "Rows of one purge", isKept: true),
        SettingDefinition("cluster.advertise.address", "", .text, "Form of the original", isKept: true),
        SettingDefinition("cluster.advertise.http.port", "", .text, "Form of the original", isKept: true),
        SettingDefinition("cluster.checkin.misses", "3", .number(1...1_000), "Form of the original", isKept: true),
        SettingDefinition("cluster.checkin.seconds", "5", .number(1...3_600), "Form of the original", isKept: true),
        SettingDefinition(
            "cluster.default.http.port",
            "8080",
            .number(1...65_535),
            "Form of the original",
            isKept: true
        ),
        SettingDefinition("cluster.default.port", "9345", .number(1...65_535), "Form of the original", isKept: true),
        SettingDefinition(
            "concurrent.scheduled.upgrades",
            "5",
            .number(0...1_000),
            "Upgrades at the same time",
            isKept: true
        ),
        SettingDefinition(
            "default.schedule.upgrade.delay.minutes",
            "1440",
            .number(0...525_600),
            "Until a scheduled upgrade",
            isKept: true
        ),
        SettingDefinition(
            "docker.machine.version",
            "",
            .text,
            "Version of docker-machine",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "engine.install.url",
            "",
            .text,
            "Script that installs an engine",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "events.purge.after.seconds",
            "43200",
            .number(0...3_153_600_000),
            "How long events are kept",
            isKept: true
        ),
        SettingDefinition(
            "go.machine.service.version",
            "",
            .text,
            "Version of the machine service",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition("ha.cluster.size", "", .text, "Form of the original", isKept: true),
        SettingDefinition("ha.enabled", "false", .boolean, "Form of the original", isKept: true),
        SettingDefinition(
            "host.proxy.jwt.expiration.seconds",
            "57600",
            .number(1...31_536_000),
            "How long a token of the host proxy is good",
            isKept: true
        ),
        SettingDefinition(
            "host.remove.delay.seconds",
            "-1",
            .number(-1...31_536_000),
            "Until a disconnected host is removed; -1 for never",
            isKept: true
        ),
        SettingDefinition(
            "host.remove.delay.startup.seconds",
            "900",
            .number(0...31_536_000),
            "The same, after a start",
            isKept: true
        ),
        SettingDefinition(
            "ipsec.service.enable.healthcheck",
            "true",
            .boolean,
            "Health check of the overlay network",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "lb.instance.image",
            "rancher/lb-service-haproxy:v0.9.14",
            .text,
            "Image of load balancers",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "main_tables.purge.after.seconds",
            "172800",
            .number(0...3_153_600_000),
            "How long removed resources are kept",
            isKept: true
        ),
        SettingDefinition(
            "mount_delete.purge.after.seconds",
            "3600",
            .number(0...3_153_600_000),
            "How long removed mounts are kept",
            isKept: true
        ),
        SettingDefinition(
            "newest.docker.version",
            "v19.03.2",
            .text,
            "Newest engine that is known",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "process_instance.purge.after.seconds",
            "3600",
            .number(0...3_153_600_000),
            "How long ended processes are kept",
            isKept: true
        ),
        SettingDefinition(
            "project.template.default.defaults",
            "true",
            .boolean,
            "Defaults of the template of new environments",
            isKept: true
        ),
        SettingDefinition(
            "project.template.default.name",
            "Cattle",
            .text,
            "Template of new environments",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "rancher.cli.darwin.url",
            "",
            .text,
            "Download of the command line",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "rancher.cli.linux.url",
            "",
            .text,
            "Download of the command line",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "rancher.cli.version",
            "",
            .text,
            "Version of the command line",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "rancher.cli.windows.url",
            "",
            .text,
            "Download of the command line",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "rancher.compose.darwin.url",
            "",
            .text,
            "Download of the compose tool",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "rancher.compose.linux.url",
            "",
            .text,
            "Download of the compose tool",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "rancher.compose.version",
            "",
            .text,
            "Version of the compose tool",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "rancher.compose.windows.url",
            "",
            .text,
            "Download of the compose tool",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition(
            "rancher.server.image",
            "",
            .text,
            "Image of the original server",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition("registry.default", "", .text, "Registry of images without one", isKept: true),
        SettingDefinition("registry.whitelist", "", .text, "Registries that images may come from", isKept: true),
        SettingDefinition("secrets.backend", "localkey", .text, "Where secrets are kept", isKept: true),
        SettingDefinition(
            "service_log.purge.after.seconds",
            "86400",
            .number(0...3_153_600_000),
            "How long service logs are kept",
            isKept: true
        ),
        SettingDefinition(
            "subscribe.max.queued.messages",
            "100",
            .number(1...10_000),
            "Unsent messages at which a subscription is closed",
            isKept: true
        ),
        SettingDefinition(
            "supported.docker.range",
            "~v1.12.3 || ~v1.13.0 || ~v17.03.0 || ~v17.06.0 || ~v17.09.0 || ~v17.12.0 || ~v18.03.0 || ~v18.06.0 || ~v18.09.0 || ~v19.03.2",
            .text,
            "Engines that are supported",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition("swarm.tls.port", "", .text, "Port of Swarm", isPublic: true, isKept: true),
        SettingDefinition("task.agent.ping.schedule", "5", .number(1...3_600), "Agent liveness", isKept: true),
        SettingDefinition(
            "task.region.monitor.schedule",
            "30",
            .number(1...3_600),
            "Between two looks at the regions",
            isKept: true
        ),
        SettingDefinition(
            "task.table.cleanup.schedule",
            "3600",
            .number(1...86_400),
            "Between two purges",
            isKept: true
        ),
        SettingDefinition(
            "telemetry.opt",
            "",
            .option(["", "in", "out"]),
            "Whether usage figures are sent; this server sends none",
            isPublic: true,
            isKept: true
        ),
        SettingDefinition("ui.feedback.form", "", .text, "User interface", isPublic: true, isKept: true),
        SettingDefinition("ui.show.custom.host", "true", .boolean, "User interface", isPublic: true, isKept: true),
        SettingDefinition("ui.show.system", "default_hide", .text, "User interface", isPublic: true, isKept: true),
        SettingDefinition(
            "upgrade.manager",
            "mandatory",
            .text,
            "Which infrastructure stacks are upgraded by themselves",
            isKept: true
        ),
        SettingDefinition("vm.enabled", "false", .boolean, "Virtual machines", isPublic: true, isKept: true),
    ]
}
