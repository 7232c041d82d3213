import Federation
import Gateway
import Glibc
import JSON
import Limits

/// What an operator has told this node of its federation.
extension DataFolder {
    private var federationFile: String { "\(path)/federation.json" }

    /// nil for a cluster that stands by itself.
    ///
    /// - Throws: what is wrong with the file; others than its owner must not be able to read it, for it has keys in it.
    func federation() throws(NodeFault) -> ClusterLinks? {
        var status = stat()
        guard stat(federationFile, &status) == 0 else { return nil }
        func wrong(_ what: String) -> NodeFault { .badConfiguration("\(federationFile): \(what)") }
        guard status.st_mode & 0o077 == 0 else {
            throw wrong("others may read it, and it has keys in it; run: chmod 600 \(federationFile)")
        }
        guard status.st_size <= Limits.federationFileBytes else {
            throw wrong("it has more than \(Limits.federationFileBytes) bytes")
        }
        let bytes: [UInt8] = try Self.read(federationFile)
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONReader.parse(bytes)
        } catch {
            throw wrong("it is not JSON: \(error)")
        }
        do throws(FederationFault) {
            return try ClusterLinks(try FederationPlace(document))
        } catch {
            throw wrong("\(error)")
        }
    }
}
