extension SettingCatalogue {
    /// Who gets in, and how.
    static let access: [SettingDefinition] = [
        SettingDefinition(
            "api.auth.realm",
            "Enter API access key and secret key as username and password",
            .text,
            "The realm of the Basic challenge"
        ),
        SettingDefinition(
            "api.security.enabled",
            "true",
            .boolean,
            "Whether requests need a key; false makes everybody the first administrator"
        ),
        SettingDefinition(
            "metrics.access",
            "anyone",
            .option(["anyone", "accounts"]),
            "Who may read a node's metrics: anyone who reaches its port, or accounts with their key"
        ),
        SettingDefinition(
            "registration.token.period.millis",
            "315360000000",
            .number(1...31_536_000_000_000),
            "How long a registration token is valid after it was made"
        ),
        SettingDefinition(
            "settings.public",
            "",
            .list,
            "Names of the settings that everybody who is logged in may read; empty for those that are marked so"
        ),
    ]

    /// How people log in, and what roles come to.
    static let login: [SettingDefinition] =
        [
            SettingDefinition(
                "api.auth.allowed.identities",
                "",
                .list,
                "Identities that may log in whatever the access mode, such as rancher_id:1a7,openid_group:ops"
            ),
            SettingDefinition("api.auth.enabler", "", .text, "Identity that turned access control on"),
            SettingDefinition(
                "api.auth.jwt.token.expiry",
                "57600000",
                .number(1_000...31_536_000_000),
                "How long a login lasts, in milliseconds"
            ),
            SettingDefinition(
                "api.auth.local.access.mode",
                "unrestricted",
                .option(["unrestricted", "restricted", "required"]),
                "Who may log in with a local account"
            ),
            SettingDefinition(
                "api.auth.local.validate.description",
                "",
                .text,
                "What passwords must be like, for people; told when a password is refused without a word",
                isPublic: true
            ),
            SettingDefinition(
                "api.auth.local.validate.timeout.milliseconds",
                "10000",
                .number(100...60_000),
                "Patience with the service that checks passwords"
            ),
            SettingDefinition(
                "api.auth.local.validate.url",
                "",
                .service,
                "Service that is asked whether a new password may be used; none is set while it cannot be asked"
            ),
            SettingDefinition(
                "api.auth.provider.configured",
                "none",
                .text,
                "Type of the active login provider"
            ),
            SettingDefinition(
                "api.auth.restrict.concurrent.sessions",
                "false",
                .boolean,
                "One session for each user"
            ),
            SettingDefinition(
                "project.create.default",
                "true",
                .boolean,
                "An environment at the first login"
            ),
            SettingDefinition(
                "modify.infrastructure.roles",
                ["", "v1-"].flatMap { version in
                    [
                        "superadmin", "admin", "service", "owner", "member", "project", "environment", "projectadmin",
                        "agent",
                    ].map { version + $0 }
                }.joined(separator: ","),
                .list,
                "Roles that may change hosts and what belongs to the system"
            ),
            SettingDefinition("project.set.member.roles", "owner", .list, "Roles that may change members"),
        ]
        + ["owner", "member", "restricted", "stackowner", "stackuser", "readonly"].enumerated().map { rank, role in
            SettingDefinition(
                "api.security.role.priority.\(role)",
                "\(rank)",
                .number(0...1_000),
                "Of several memberships in one environment the lowest counts"
            )
        }

    /// How requests are met.
    static let gateway: [SettingDefinition] = [
        SettingDefinition(
            "access.log",
            "/dev/null",
            .logFile,
            "A file below the folder logs of each node's data, with a line for each request; /dev/null for none"
        ),
        SettingDefinition(
            "api.cors.origins",
            "",
            .text,
            "Origins whose pages may call the API, with commas between them; * for all, without credentials; empty for none"
        ),
        SettingDefinition(
            "api.host",
            "",
            .address,
            "The address under which hosts and people reach this cluster; empty for the address that a request used",
            isPublic: true
        ),
        SettingDefinition(
            "api.https.redirect",
            "false",
            .boolean,
            "Whether requests in plain text are sent to the same address with https"
        ),
        SettingDefinition(
            "api.interceptor.config",
            "",
            .interceptors,
            "Interceptors of requests and answers, and destinations, as JSON; empty for none"
        ),
        SettingDefinition(
            "api.requests.per.second",
            "0",
            .number(0...1_000_000),
            "How many requests a second each key or login may send to a node, with twice as many in a burst; 0 for any number"
        ),
        SettingDefinition("localization", "", .word, "The language of the user interface: the cookie LANG"),
        SettingDefinition(
            "rancher.server.version",
            "v1.6.30",
            .text,
            "The version whose API this server speaks, as clients are told",
            isPublic: true
        ),
        SettingDefinition("ui.pl", "rancher", .word, "The name that the user interface shows: the cookie PL"),
        SettingDefinition(
            "api.allow.client.override",
            "false",
            .boolean,
            "Trust X-API-request-url and X-API-client-ip"
        ),
        SettingDefinition(
            "api.sub.max.pings",
            "8640",
            .number(1...1_000_000),
            "Pings, one every five seconds, after which a subscription ends"
        ),
        SettingDefinition("api.ui.css.url", "", .text, "Style sheet of the pages that browsers get"),
        SettingDefinition("api.ui.js.url", "", .text, "Script of the pages that browsers get"),
        SettingDefinition(
            "proxy.protocol.https.ports",
            "",
            .text,
            "Ports that stand for HTTPS in addresses when a proxy does not say what was spoken"
        ),
    ]

    /// Server nodes among themselves.
    static let quotas: [SettingDefinition] = Quotas.Name.allCases.map { name in
        SettingDefinition(
            Quotas.setting(name),
            String(Quotas.unlimited),
            .number(Quotas.unlimited...Int64.max / 2),
            "How many \(name.rawValue) an environment may have that has no quota of its own; \(Quotas.unlimited) for any number"
        )
    }

    static let cluster: [SettingDefinition] = [
        SettingDefinition(
            "cluster.dead.node.seconds",
            "0",
            .number(0...31_536_000),
            "A server node that is silent for so long is removed, if at least three others are there; at least 60, 0 for never"
        ),
        SettingDefinition(
            "cluster.restore.rehearsal.seconds",
            "86400",
            .number(0...31_536_000),
            "How often each node restores its newest checkpoint into a scratch folder and compares; 0 for never"
        ),
    ]

    /// What is thrown away, and when.
    static let upkeep: [SettingDefinition] = [
        SettingDefinition(
            "audit_log.purge.after.seconds",
            "2592000",
            .number(0...3_153_600_000),
            "How long audit records and past revisions are kept; 0 for ever"
        )
    ]
}
