internal import JSON

/// The file that remembers connections: `$XDG_CONFIG_HOME/drover/context.json`, else `~/.config/drover/context.json`.
///
/// Shape: `{"current": "name", "contexts": {"name": {"url", "accessKey", "secretKey", "environment", "caFile",
/// "certificateFile", "keyFile"}}}`.
struct ContextFile {
    struct Context {
        var url: String
        var accessKey: String?
        var secretKey: String?
        var environment: String?
        /// Absolute path of the authority's certificate.
        var caFile: String?
        /// What is shown instead of a key.
        var certificate: Connection.CertificateFiles?

        init(
            url: String,
            accessKey: String? = nil,
            secretKey: String? = nil,
            environment: String? = nil,
            caFile: String? = nil,
            certificate: Connection.CertificateFiles? = nil
        ) {
            self.url = url
            self.accessKey = accessKey
            self.secretKey = secretKey
            self.environment = environment
            self.caFile = caFile
            self.certificate = certificate
        }
    }

    var current: String?
    var contexts: [String: Context] = [:]

    static func path(_ environment: [String: String]) -> String? {
        if let folder: String = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
            return "\(folder)/drover/context.json"
        }
        return environment["HOME"].flatMap { $0.isEmpty ? nil : "\($0)/.config/drover/context.json" }
    }

    /// Nil when there is no such file.
    static func load(_ environment: [String: String]) throws(CommandFailure) -> ContextFile? {
        guard let path: String = path(environment), TextFile.exists(path) else { return nil }
        guard let text: String = TextFile.read(path) else { throw CommandFailure("cannot read \(path)") }
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONReader.parse(text)
        } catch {
            throw CommandFailure("\(path): \(error); correct or remove it")
        }
        var file = ContextFile()
        file.current = document["current"]?.string
        for (name, value) in document["contexts"]?.object ?? JSONObject() {
            guard let url: String = value["url"]?.string else {
                throw CommandFailure("\(path): the context '\(name)' has no url; correct or remove it")
            }
            file.contexts[name] = Context(
                url: url,
                accessKey: value["accessKey"]?.string,
                secretKey: value["secretKey"]?.string,
                environment: value["environment"]?.string,
                caFile: value["caFile"]?.string,
                certificate: value["certificateFile"]?.string.flatMap { certificate in
                    value["keyFile"]?.string.map { Connection.CertificateFiles(certificate: certificate, key: $0) }
                }
            )
        }
        return file
    }

    func save(_ environment: [String: String]) throws(CommandFailure) {
        guard let path: String = Self.path(environment) else {
            throw CommandFailure("there is no place for contexts: set HOME or XDG_CONFIG_HOME")
        }
        var stored = JSONObject()
        for (name, context) in contexts.sorted(by: { $0.key < $1.key }) {
            var one: JSONObject = ["url": .string(context.url)]
            one["accessKey"] = context.accessKey.map { .string($0) }
            one["secretKey"] = context.secretKey.map { .string($0) }
            one["environment"] = context.environment.map { .string($0) }
            one["caFile"] = context.caFile.map { .string($0) }
            one["certificateFile"] = context.certificate.map { .string($0.certificate) }
            one["keyFile"] = context.certificate.map { .string($0.key) }
            stored[name] = .object(one)
        }
        try TextFile.makeFolder(String(path.dropLast("/context.json".count)))
        let document: JSONValue = ["current": JSONValue(current), "contexts": .object(stored)]
        try TextFile.replacePrivately(path, with: JSONWriter.pretty(document) + "\n")
    }
}
