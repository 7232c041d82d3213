import JSON

extension Schemas {
    private static let settingName = FieldDefinition(
        "name",
        .string,
        [.create, .required],
        minLength: 1,
        maxLength: 255,
        validChars: "a-zA-Z0-9._-"
    )
    private static let settingValue = FieldDefinition(
        "value",
        .string,
        .createUpdate,
        maxLength: 65_536
    )

    /// What POST and PUT take.
    ///
    /// Reading answers ``activeSetting``; the id is the name.
    static let setting = ResourceDefinition(
        "setting",
        hasTextID: true,
        table: .setting,
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: [CommonFields.id, settingName, settingValue]
    )

    /// A setting as it works now: the stored value, or the default behind it.
    static let activeSetting = ResourceDefinition(
        "activeSetting",
        base: "setting",
        hasTextID: true,
        table: .setting,
        collectionMethods: [.get],
        resourceMethods: [.get, .put, .delete],
        fields: [
            CommonFields.id, settingName.readOnly,
            FieldDefinition("value", .string, .update, maxLength: 65_536),
            FieldDefinition("activeValue", .string, from: .computed),
            FieldDefinition(
                "source",
                .string,
                from: .computed,
                about: "Where the value comes from: Database or Default"
            ),
            FieldDefinition("inDb", .boolean, [.notNull], from: .computed),
        ]
    )
}
