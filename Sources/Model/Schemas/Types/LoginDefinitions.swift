import JSON
import Limits

extension Schemas {
    /// Logging in, and how it is set up.
    static let login: [ResourceDefinition] = [
        // What stands behind an address of its own without being a record.
        ResourceDefinition(
            "token",
            collectionMethods: [.get, .post],
            resourceMethods: [.get, .delete],
            fields: [
                CommonFields.id,
                FieldDefinition(
                    "code",
                    .password,
                    [.create, .required, .unfiltered],
                    maxLength: Limits.loginCodeBytes,
                    about: "What the provider wants: <login>:<password> for local accounts"
                ),
                FieldDefinition("authProvider", .string, [.create, .unfiltered], maxLength: 64),
                FieldDefinition("jwt", .string, [.unfiltered], from: .computed, about: "The token, shown once"),
                FieldDefinition("user", .string, [.unfiltered], from: .computed),
                FieldDefinition("userIdentity", .embedded("identity"), from: .computed),
                FieldDefinition("identities", .array(.embedded("identity")), from: .computed),
                FieldDefinition("userType", .string, [.unfiltered], from: .computed),
                FieldDefinition("accountId", .string, [.unfiltered], from: .computed),
                FieldDefinition("security", .boolean, [.unfiltered], from: .computed),
                FieldDefinition("enabled", .boolean, [.unfiltered], from: .computed),
                FieldDefinition("redirectUrl", .string, [.unfiltered], from: .computed),
                FieldDefinition("originalLogin", .string, [.unfiltered], from: .computed),
            ]
        ),
        ResourceDefinition(
            "localAuthConfig",
            collectionMethods: [.get, .post],
            resourceMethods: [.get],
            fields: [
                CommonFields.id,
                FieldDefinition("name", .string, [.create, .unfiltered], maxLength: 255),
                FieldDefinition(
                    "accessMode",
                    .enum,
                    [.create, .unfiltered],
                    default: "unrestricted",
                    options: ["unrestricted", "restricted", "required"]
                ),
                FieldDefinition("username", .string, [.create, .unfiltered], maxLength: 255),
                FieldDefinition("password", .password, [.create, .unfiltered], maxLength: Limits.passwordBytes),
                FieldDefinition("enabled", .boolean, [.create, .unfiltered]),
            ]
        ),
    ]
}
