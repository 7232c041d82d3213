import Crypto
import JSON
import Logging

/// Who this host is to the server.
struct AgentIdentity: Sendable {
    /// The host's key to the server.
    struct Key: Sendable {
        var accessKey: String
        var secretKey: Secret<String>
        /// Such as `1h3`.
        var hostID: String
    }

    /// Made once, before the first registration: registering again under it gives the same host.
    var hostUUID: String
    /// nil until it is registered.
    var key: Key?
    /// nil until a server over HTTPS has issued one.
    var certificate: HostCertificate?

    init(hostUUID: String, key: Key? = nil, certificate: HostCertificate? = nil) {
        self.hostUUID = hostUUID
        self.key = key
        self.certificate = certificate
    }

    /// A new host, with a random uuid (RFC 9562, version 4).
    static func fresh() -> AgentIdentity {
        var bytes: [UInt8] = SecureRandom.bytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits: [Character] = Array("0123456789abcdef")
        var text: String = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append("-") }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return AgentIdentity(hostUUID: text)
    }
}

/// The form on disk.
extension AgentIdentity {
    /// All in one file, so that key and certificate are replaced together.
    var json: JSONValue {
        var object: JSONObject = [
            "version": 1, "hostUuid": .string(hostUUID), "hostId": JSONValue(key?.hostID),
            "accessKey": JSONValue(key?.accessKey), "secretKey": JSONValue(key?.secretKey.reveal()),
        ]
        if let certificate { object.append("tls", certificate.json) }
        return .object(object)
    }

    /// nil when it is none, or of a version that this build does not know.
    init?(_ value: JSONValue) {
        guard value["version"]?.int == 1, let uuid: String = value["hostUuid"]?.string, !uuid.isEmpty else {
            return nil
        }
        self.init(hostUUID: uuid)
        if let tls: JSONValue = value["tls"], !tls.isNull {
            // One that cannot be read is not as good as none: whom this host trusts stands in it.
            guard let held = HostCertificate(tls) else { return nil }
            certificate = held
        }
        if let access: String = value["accessKey"]?.string, let secret: String = value["secretKey"]?.string {
            key = Key(accessKey: access, secretKey: Secret(secret), hostID: value["hostId"]?.string ?? "")
        }
    }
}
