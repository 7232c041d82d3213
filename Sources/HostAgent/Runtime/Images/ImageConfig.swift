import JSON

/// What an image says about how it is run (OCI image specification, "Image Configuration").
struct ImageConfig: Hashable, Sendable {
    var entrypoint: [String] = []
    var command: [String] = []
    /// `NAME=value` each.
    var environment: [String] = []
    var workingDirectory: String?
    /// `name`, `number`, or either with `:group`.
    var user: String?
    var stopSignal: String?
    /// Paths that are to be volumes.
    var volumes: [String] = []

    /// Of an image that is only files.
    init() {}

    /// Members that are absent or of another kind say nothing.
    init(_ value: JSONValue?) {
        entrypoint = Self.texts(value?["Entrypoint"])
        command = Self.texts(value?["Cmd"])
        environment = Self.texts(value?["Env"])
        workingDirectory = Self.text(value?["WorkingDir"])
        user = Self.text(value?["User"])
        stopSignal = Self.text(value?["StopSignal"])
        volumes = value?["Volumes"]?.object?.keys ?? []
    }

    var json: JSONValue {
        var volumes = JSONObject()
        for path in self.volumes { volumes[path] = [:] }
        return [
            "Entrypoint": JSONValue(entrypoint), "Cmd": JSONValue(command), "Env": JSONValue(environment),
            "WorkingDir": JSONValue(workingDirectory), "User": JSONValue(user), "StopSignal": JSONValue(stopSignal),
            "Volumes": .object(volumes),
        ]
    }

    private static func texts(_ value: JSONValue?) -> [String] { value?.array?.compactMap(\.string) ?? [] }

    private static func text(_ value: JSONValue?) -> String? {
        guard let text: String = value?.string, !text.isEmpty else { return nil }
        return text
    }
}
