import JSON
import Model
import Store

/// Where hosts register, and how their tokens are signed: for the documents of registration tokens.
struct RegistrationPlace: Sendable {
    private let key: [UInt8]
    private let address: String
    private let pin: [UInt8]?
    private let image: String?

    /// nil before the cluster was founded.
    ///
    /// - Parameter pin: the fingerprint of the cluster's authority.
    init?(view: StoreView, base: BaseURL, pin: [UInt8]?) {
        guard let key: [UInt8] = ClusterKeys.registration(view) else { return nil }
        self.key = key
        self.pin = pin
        image = ActiveSettings.value("bootstrap.required.image", view)
        address = ActiveSettings.host(view) ?? base.text
    }

    /// The token and what to do with it; nothing once it was withdrawn.
    func fields(of resource: Resource) -> JSONObject {
        let credential = CredentialRecord(fields: resource.values)
        guard credential.isActive else { return [:] }
        let token: String = RegistrationToken(publicValue: credential.publicValue, issued: credential.created)
            .signed(key: key, pin: pin)
        return [
            "token": .string(token), "image": JSONValue(image),
            "registrationUrl": .string("\(address)/\(APIPath.currentVersion)/scripts/\(token)"),
            "command": .string("drover agent --url \(address) --token \(token) --data /var/lib/drover"),
        ]
    }
}
