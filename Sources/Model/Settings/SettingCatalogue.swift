/// A setting that this server acts on.
package struct SettingDefinition: Hashable, Sendable {
    /// Dotted, lower-case first letter.
    package var name: String
    /// Its value while none is stored.
    package var defaultValue: String
    package var description: String
    /// Whether everybody who is logged in may read it; the others are for administrators.
    package var isPublic: Bool
}

/// The settings with a meaning.
///
/// Others can be stored, and mean nothing to the server itself.
package enum SettingCatalogue {
    package static let all: [SettingDefinition] = [
        SettingDefinition(
            name: "api.allow.client.override",
            defaultValue: "false",
            description: "Whether clients may say in X-API-request-url what address documents are to name",
            isPublic: false
        ),
        SettingDefinition(
            name: "api.auth.realm",
            defaultValue: "Enter API access key and secret key as username and password",
            description: "The realm of the Basic challenge",
            isPublic: false
        ),
        SettingDefinition(
            name: "api.host",
            defaultValue: "",
            description:
                "The address under which hosts and people reach this cluster; empty for the address that a request used",
            isPublic: true
        ),
        SettingDefinition(
            name: "api.security.enabled",
            defaultValue: "true",
            description: "Whether requests need a key; false makes everybody the first administrator",
            isPublic: false
        ),
        SettingDefinition(
            name: "api.ui.css.url",
            defaultValue: "",
            description: "A style for documents as pages; empty for the page's own",
            isPublic: false
        ),
        SettingDefinition(
            name: "api.ui.js.url",
            defaultValue: "",
            description: "A script that shows documents as pages; empty for the page's own",
            isPublic: false
        ),
        SettingDefinition(
            name: "metrics.access",
            defaultValue: "anyone",
            description: "Who may read a node's metrics: anyone who reaches its port, or accounts with their key",
            isPublic: false
        ),
        SettingDefinition(
            name: "cluster.dead.node.seconds",
            defaultValue: "0",
            description:
                "A server node that is silent for so long is removed, if at least three others are there; at least 60, 0 for never",
            isPublic: false
        ),
        SettingDefinition(
            name: "cluster.restore.rehearsal.seconds",
            defaultValue: "86400",
            description:
                "How often each node restores its newest checkpoint into a scratch folder and compares; 0 for never",
            isPublic: false
        ),
        SettingDefinition(
            name: "proxy.protocol.https.ports",
            defaultValue: "",
            description: "Ports that stand for HTTPS in addresses when a proxy does not say what was spoken",
            isPublic: false
        ),
        SettingDefinition(
            name: "rancher.server.version",
            defaultValue: "v1.6.30",
            description: "The version whose API this server speaks, as clients are told",
            isPublic: true
        ),
        SettingDefinition(
            name: "registration.token.period.millis",
            defaultValue: "315360000000",
            description: "How long a registration token is valid after it was made",
            isPublic: false
        ),
    ]

    private static let byName: [String: SettingDefinition] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    package static func definition(_ name: String) -> SettingDefinition? { byName[name] }

    /// Names of the settings that are not for administrators only, alphabetically.
    package static let publicNames: [String] = all.filter(\.isPublic).map(\.name).sorted()

    /// Whether collections show a setting of that name: those that do not start with a lower-case letter are internal.
    package static func isListed(_ name: String) -> Bool {
        name.utf8.first.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) } ?? false
    }
}
