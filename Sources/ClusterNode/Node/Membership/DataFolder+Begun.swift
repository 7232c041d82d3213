import Glibc
import JSON

/// What was begun in a folder and not finished: founding, or joining.
///
/// `founding` or `join.json` is there from before the first other file until after `node.json`, the last one. With such a file and
/// without a `node.json` no node ever ran here, and what lies beside can be made again.
extension DataFolder {
    /// A request to join as it was sent, perhaps: repeated word for word it is answered again, if it was let in.
    struct BegunJoin: Hashable, Sendable {
        var name: String
        /// The token, as the operator had it.
        var token: String
        /// The new node's key, in PEM.
        var key: String
        /// The certificate request, in PEM.
        var request: String
        var instance: String

        init(name: String, token: String, key: String, request: String, instance: String) {
            self.name = name
            self.token = token
            self.key = key
            self.request = request
            self.instance = instance
        }
    }

    private var foundingFile: String { "\(path)/founding" }
    private var joinFile: String { "\(path)/join.json" }

    private var isBegun: Bool { access(foundingFile, F_OK) == 0 || access(joinFile, F_OK) == 0 }

    func beginFounding() throws(NodeFault) { try Self.write([], to: foundingFile) }

    func begin(_ join: BegunJoin) throws(NodeFault) {
        let document: JSONValue = [
            "version": 1, "name": .string(join.name), "token": .string(join.token), "key": .string(join.key),
            "request": .string(join.request), "instance": .string(join.instance),
        ]
        try Self.write(JSONWriter.bytes(document), to: joinFile)
    }

    /// nil when there is none, or none that this version can read: then it is begun anew.
    var begunJoin: BegunJoin? {
        guard let bytes: [UInt8] = try? Self.read(joinFile), let value: JSONValue = try? JSONReader.parse(bytes),
            value["version"]?.int == 1, let name: String = value["name"]?.string,
            let token: String = value["token"]?.string, let key: String = value["key"]?.string,
            let request: String = value["request"]?.string, let instance: String = value["instance"]?.string
        else { return nil }
        return BegunJoin(name: name, token: token, key: key, request: request, instance: instance)
    }

    /// It is finished, or will not be tried again.
    func forgetBegun() {
        for file in [foundingFile, joinFile] { unlink(file) }
    }

    /// Takes away what founding or joining has written that was not finished; nothing where a node may have run.
    func removeUnfinished() {
        guard isBegun, !isFounded else { return }
        unlink(sealingKeyFile)
        for folder in ["\(path)/tls", log, state, snapshots] { Self.remove(folder) }
    }

    /// A folder that holds files only.
    static func remove(_ folder: String) {
        guard let names = opendir(folder) else { return }
        var files: [String] = []
        while let entry = readdir(names) {
            let name: String = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { files.append("\(folder)/\(name)") }
        }
        closedir(names)
        for file in files { unlink(file) }
        rmdir(folder)
    }
}
