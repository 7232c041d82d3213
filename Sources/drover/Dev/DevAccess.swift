import ClusterNode
import Gateway
import Glibc
import JSON

/// `access.json`, there exactly while the cluster is up, and the key behind it, kept between starts.
///
/// Both mode 0600.
struct DevAccess: Sendable {
    let folder: String

    private var accessFile: String { "\(folder)/access.json" }
    private var keyFile: String { "\(folder)/administrator.json" }

    func write(_ document: JSONValue) throws(NodeFault) {
        try DataFolder.write(Array(JSONWriter.pretty(document).utf8) + [UInt8(ascii: "\n")], to: accessFile)
    }

    func withdraw() { unlink(accessFile) }

    func save(_ key: APIKey) throws(NodeFault) {
        let document: JSONValue = ["accessKey": .string(key.publicValue), "secretKey": .string(key.secretValue)]
        try DataFolder.write(JSONWriter.bytes(document), to: keyFile)
    }

    func key() throws(NodeFault) -> APIKey {
        // It was written before the folder counted as founded.
        guard let bytes: [UInt8] = try? DataFolder.read(keyFile),
            let document: JSONValue = try? JSONReader.parse(bytes),
            let access: String = document["accessKey"]?.string,
            let secret: String = document["secretKey"]?.string
        else {
            throw .storage("\(keyFile) does not give the administrator's key: remove \(folder) to begin anew")
        }
        return APIKey(publicValue: access, secretValue: secret)
    }
}
