import JSON
import Model

/// What a setting may be set to.
enum SettingValue {
    /// The value that the body gives, checked: the name like any name, and what the server itself goes by for its sense.
    static func checked(
        _ name: String,
        _ body: JSONObject,
        _ exchange: Exchange
    ) throws(Problem) -> String {
        guard let given: JSONValue = body["value"] else {
            throw .validation(.missingRequired, field: "value", message: "value is required")
        }
        guard let definition: ResourceDefinition = Schemas.definition("setting") else { throw .fault }
        let values: JSONObject
        do throws(ValidationProblem) {
            values = try Validation.create(
                definition,
                body: ["name": .string(name), "value": given],
                context: ValidationContext(now: exchange.time, exists: { _, _ in false })
            )
        } catch {
            throw Problem(validation: error)
        }
        guard SettingCatalogue.isListed(name) else {
            throw .validation(
                .invalidCharacters,
                field: "name",
                message: "A setting's name starts with a lower-case letter."
            )
        }
        let value: String = values["value"]?.string ?? ""
        let fault: String? =
            switch name {
            case ActiveSettings.accessControl: ["true", "false"].contains(value) ? nil : "must be true or false"
            case ActiveSettings.metricsAccess:
                ["anyone", "accounts"].contains(value) ? nil : "must be anyone or accounts"
            case "registration.token.period.millis":
                (Int64(value).map { $0 > 0 } ?? false) ? nil : "must be a number of milliseconds"
            case "api.host":
                value.isEmpty || ActiveSettings.isAddress(value)
                    ? nil : "must look like https://drover.example.org:8080"
            default: nil
            }
        if let fault { throw .validation(.invalidFormat, field: "value", message: "\(name) \(fault)") }
        return value
    }
}
