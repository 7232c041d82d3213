import JSON
import Limits

extension Schemas {
    /// What a user interface remembers for an account (contract A23): a name, and a value that means nothing here.
    static let userPreference = ResourceDefinition(
        "userPreference",
        table: .userPreference,
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: CommonFields.lifecycle(.standard) + [
            FieldDefinition(
                "name",
                .string,
                [.create, .update, .unique],
                maxLength: 255,
                about: "One of each name for an account"
            ),
            CommonFields.description,
            FieldDefinition(
                "value",
                .string,
                [.create, .update, .unfiltered],
                maxLength: Limits.userPreferenceCharacters
            ),
        ],
        states: .standard,
        actions: ["activate", "deactivate", "remove", "update", "purge"].map { .process($0, of: "userPreference") },
        links: [LinkDefinition("account", to: "account", .reference(field: "accountId"))]
    )
}
