import JSON
import Limits

extension Schemas {
    private static let credentialFields: [FieldDefinition] =
        CommonFields.lifecycle(.standard).filter { $0.name != "accountId" } + [
            CommonFields.name, CommonFields.description,
            FieldDefinition("accountId", .reference("account"), .create),
        ]

    private static func credentialActions(_ type: String) -> [ActionDefinition] {
        ["activate", "deactivate", "remove", "update", "purge"].map { .process($0, of: type) }
    }

    private static let accountLink = LinkDefinition("account", to: "account", .reference(field: "accountId"))

    private static let publicValue = FieldDefinition("publicValue", .string, .create, minLength: 1, maxLength: 255)

    /// The read-only supertype of everything that one can prove to be somebody with.
    ///
    /// No secret is ever in it.
    static let credential = ResourceDefinition(
        "credential",
        table: .credential,
        collectionMethods: [.get],
        resourceMethods: [.get],
        fields: credentialFields.map(\.readOnly) + [publicValue.readOnly],
        states: .standard,
        links: [accountLink]
    )

    /// A key of an account (made at the root) or of an environment (made under its path).
    static let apiKey = ResourceDefinition(
        "apiKey",
        base: "credential",
        table: .credential,
        kind: "apiKey",
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: credentialFields + [
            publicValue,
            FieldDefinition(
                "secretValue",
                .password,
                [.create, .readOnCreateOnly],
                minLength: 1,
                maxLength: 255,
                from: .computed,
                about: "Shown once; only its hash is kept"
            ),
            FieldDefinition("expires", .date, .create, about: "When it stops being good; null for never"),
        ],
        states: .standard,
        actions: credentialActions("apiKey"),
        links: [accountLink]
    )

    /// A login with its password.
    static let password = ResourceDefinition(
        "password",
        base: "credential",
        table: .credential,
        kind: "password",
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: credentialFields + [
            FieldDefinition(
                "publicValue",
                .string,
                [.create, .required],
                minLength: 1,
                maxLength: 255,
                about: "The login"
            ),
            FieldDefinition(
                "secretValue",
                .password,
                [.create, .required, .readOnCreateOnly],
                minLength: Limits.passwordMinimumBytes,
                maxLength: Limits.passwordBytes,
                from: .computed,
                about: "Never shown; only its hash is kept"
            ),
        ],
        states: .standard,
        actions: credentialActions("password") + [
            ActionDefinition(
                "changesecret",
                input: "changeSecretInput",
                output: "password",
                states: ["active", "inactive"]
            )
        ],
        links: [accountLink]
    )

    static let changeSecretInput = ResourceDefinition(
        "changeSecretInput",
        fields: [
            FieldDefinition("oldSecret", .password, .create, about: "Administrators need not say it"),
            FieldDefinition(
                "newSecret",
                .password,
                [.create, .required],
                minLength: Limits.passwordMinimumBytes,
                maxLength: Limits.passwordBytes
            ),
        ]
    )

    /// A certificate of the cluster's authority that an account shows in TLS instead of a key.
    static let clientCertificate = ResourceDefinition(
        "clientCertificate",
        base: "credential",
        table: .credential,
        kind: "clientCertificate",
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: credentialFields + [
            FieldDefinition("publicValue", .string, about: "The serial number, in hexadecimal"),
            certificateRequest([.create, .required, .unfiltered], from: .computed),
            FieldDefinition("certificate", .string, [.unfiltered], about: "In PEM; its private key is with who asked"),
            FieldDefinition("authority", .string, about: "The fingerprint of who issued it, in hexadecimal"),
            FieldDefinition(
                "expires",
                .date,
                .create,
                about: "When it stops being good: in 30 days unless given, in 90 at most"
            ),
        ],
        states: .standard,
        actions: credentialActions("clientCertificate"),
        links: [accountLink]
    )

    /// What a new host shows to become one of the environment's.
    static let registrationToken = ResourceDefinition(
        "registrationToken",
        base: "credential",
        table: .credential,
        kind: "registrationToken",
        isEnvironmentScoped: true,
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .delete],
        fields: CommonFields.lifecycle(.standard) + [
            FieldDefinition("name", .string, .create, maxLength: 255),
            FieldDefinition("description", .string, .create, maxLength: 1024),
            FieldDefinition("token", .string, [.unfiltered], from: .computed),
            FieldDefinition("command", .string, [.unfiltered], from: .computed, about: "What to run on the new host"),
            FieldDefinition("registrationUrl", .string, [.unfiltered], from: .computed),
            FieldDefinition("image", .string, [.unfiltered], from: .computed, about: "bootstrap.required.image"),
            FieldDefinition("windowsCommand", .string, [.unfiltered], from: .computed),
        ],
        states: .standard,
        actions: credentialActions("registrationToken"),
        links: [LinkDefinition("account", to: "project", .reference(field: "accountId"))]
    )

    /// A host's request to become one, made with a registration token.
    static let register = ResourceDefinition(
        "register",
        plural: "register",
        collectionMethods: [.post],
        fields: [
            FieldDefinition(
                "uuid",
                .string,
                [.create, .required],
                minLength: 1,
                maxLength: 64,
                about: "The host's own, kept over restarts"
            ),
            FieldDefinition("hostname", .string, [.create, .required], minLength: 1, maxLength: 255),
            FieldDefinition("labels", .map(.string), .create),
            certificateRequest([.create]),
            FieldDefinition("hostId", .reference("host"), from: .computed),
            FieldDefinition("accessKey", .string, from: .computed),
            FieldDefinition("secretKey", .password, [.readOnCreateOnly], from: .computed),
            FieldDefinition("servers", .array(.string), from: .computed, about: "Base URLs of all gateways"),
        ] + issuedCertificate
    )

    /// A host's request for a new certificate, made with its present one or with its key.
    static let hostCertificate = ResourceDefinition(
        "hostCertificate",
        collectionMethods: [.post],
        fields: [
            certificateRequest([.create, .required]), FieldDefinition("hostId", .reference("host"), from: .computed),
        ] + issuedCertificate
    )

    private static func certificateRequest(
        _ flags: FieldFlags,
        from source: FieldSource = .desired
    ) -> FieldDefinition {
        FieldDefinition(
            "certificateRequest",
            .string,
            flags,
            minLength: 1,
            maxLength: Limits.certificateRequestCharacters,
            from: source,
            about: "In PEM; of what it says only the key counts"
        )
    }

    private static let issuedCertificate: [FieldDefinition] = [
        FieldDefinition("certificate", .string, from: .computed, about: "The host's, in PEM"),
        FieldDefinition("authority", .string, from: .computed, about: "Whom the host is to trust, in PEM"),
    ]
}
