import JSON
import Model

/// What a setting may be set to.
package enum SettingValue {
    /// See ``SettingCatalogue/name(ofVariable:)``.
    package static func name(ofVariable variable: String) -> String { SettingCatalogue.name(ofVariable: variable) }

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
        if let fault: String = fault(name, value) {
            throw .validation(.invalidFormat, field: "value", message: "\(name) \(fault)")
        }
        return value
    }

    /// What is wrong with the value, to stand behind the name; nil when nothing is.
    package static func fault(_ name: String, _ value: String) -> String? {
        var fault: String? = SettingCatalogue.definition(name)?.fault(of: value)
        switch SettingCatalogue.definition(name)?.form {
        case .interceptors?:
            do throws(InterceptorConfig.Fault) { _ = try InterceptorConfig(value) } catch {
                fault = "is wrong at \(error)"
            }
        case .service? where !value.isEmpty:
            do throws(PathFault) {
                let address = try OutboundAddress(value)
                if NumericAddress(address.host) != nil { fault = AddressRule.refusal(of: address.host, allowed: []) }
            } catch {
                fault = "is no address that can be called: \(error.reason)"
            }
        case .json? where !value.isEmpty:
            do throws(JSONError) {
                _ = try JSONReader.parse(Array(value.utf8))
            } catch {
                fault = "is not JSON: \(error)"
            }
        default: break
        }
        return fault
    }
}
