internal import JSON
internal import YAML

/// Turns one raw service into the body of its request.
struct ServiceReader {
    let raw: RawService
    /// All services of the project.
    let names: [String]
    /// The service whose sidekick this one is to be.
    let sidekickOf: String?
    let variables: [String: String]
    let diagnostics: Diagnostics

    var launch = JSONObject()
    var dependsOn: [String] = []

    init(
        raw: RawService,
        names: [String],
        sidekickOf: String?,
        variables: [String: String],
        diagnostics: Diagnostics
    ) {
        self.raw = raw
        self.names = names
        self.sidekickOf = sidekickOf
        self.variables = variables
        self.diagnostics = diagnostics
    }

    /// Nil when the service cannot be made, and the diagnostics say why.
    mutating func read(_ readFile: (String) -> String?) -> ComposeService? {
        guard StackName.isValid(raw.name) else {
            diagnostics.fail(
                raw.place,
                "'\(raw.name)' cannot be the name of a service: it must have 1 to 63 letters, digits and '-', no '-' at either end"
            )
            return nil
        }
        if let kind: String = unsupportedKind() {
            diagnostics.warn(raw.place, "'\(raw.name)' is \(kind), which is not supported yet: the service is left out")
            return nil
        }
        guard let image: String = image() else { return nil }
        if let sidekickOf {
            diagnostics.warn(
                raw.place,
                "'\(raw.name)' is a sidekick of '\(sidekickOf)'; sidekicks are not supported yet: it becomes a service of its own"
            )
        }
        launch["imageUuid"] = .string(image)
        for key in raw.keys {
            guard let rule: KeyRule = Vocabulary.service[key] else { continue }
            let entries: [Entry] = raw.entries(for: rule)
            if !entries.isEmpty { readSimple(rule, entries) }
        }
        readEnvironment(readFile)
        readLabels()
        readNetwork()
        readStorage()
        readResources()
        readLogging()
        readRestart()
        readDependencies()
        if let entry: Entry = raw.entry(for: "lb_config") {
            diagnostics.warn(entry.keyPlace, "'lb_config' is not supported yet: no load balancer learns of it")
        }
        return ComposeService(
            name: raw.name,
            service: service(),
            saysScale: raw.entry(for: "scale") != nil,
            dependsOn: dependsOn,
            place: raw.place
        )
    }

    private func service() -> JSONObject {
        var service: JSONObject = ["name": .string(raw.name), "startOnCreate": true]
        if let scale: Int64 = scale() { service["scale"] = .int(scale) }
        if let metadata: JSONValue = metadata() { service["metadata"] = metadata }
        service["launchConfig"] = .object(launch)
        return service
    }

    /// Nil for a global service, which has as many containers as hosts.
    private func scale() -> Int64? {
        let isGlobal: Bool = launch["labels"]?["io.rancher.scheduler.global"]?.string?.lowercased() == "true"
        guard let entry: Entry = raw.entry(for: "scale") else { return isGlobal ? nil : 1 }
        guard let scale: Int64 = integer(entry) else { return nil }
        if isGlobal {
            diagnostics.warn(
                entry.keyPlace,
                "'\(raw.name)' is global and gets a container on each host: 'scale' is left out"
            )
            return nil
        }
        guard scale >= 0 else {
            diagnostics.fail(entry.valuePlace, "'scale' must not be negative")
            return nil
        }
        return scale
    }

    private func metadata() -> JSONValue? {
        guard let entry: Entry = raw.entry(for: "metadata") else { return nil }
        guard entry.value.mapping != nil else {
            diagnostics.fail(entry.valuePlace, "'metadata' must be a mapping")
            return nil
        }
        return json(entry.value)
    }

    private func image() -> String? {
        let build: Entry? = raw.entry(for: "build")
        if let entry: Entry = raw.entry(for: "image") {
            if let build {
                diagnostics.warn(build.keyPlace, "'build' is not supported yet: the image is pulled")
            }
            guard let image: String = text(entry) else { return nil }
            guard !image.isEmpty, !image.contains(where: \.isWhitespace) else {
                diagnostics.fail(entry.valuePlace, "'image' must be the name of an image, such as nginx:1.25")
                return nil
            }
            return image.hasPrefix("docker:") || image.hasPrefix("sim:") ? image : "docker:\(image)"
        }
        if let build {
            diagnostics.fail(
                build.keyPlace,
                "'build' is not supported yet: build the image yourself and name it under 'image'"
            )
        } else {
            let others: [String] = names.filter { $0 != raw.name }
            let hint: String = Spelling.hint(for: raw.name, among: others)
            diagnostics.fail(raw.place, "the service '\(raw.name)' has no 'image'\(hint)")
        }
        return nil
    }

    /// What this is when no container of the user's runs it.
    private func unsupportedKind() -> String? {
        if let image: String = raw.entry(for: "image")?.value.string {
            let kind = Vocabulary.serviceKinds.first { image == $0.image || image.hasPrefix($0.image + ":") }
            if let kind { return kind.kind }
        }
        // A balancer listens on ports of its own; a plain service with lb_config only says how to be balanced.
        let rules = raw.entry(for: "lb_config")?.value["port_rules"]?.sequence ?? []
        return rules.contains { $0["source_port"] != nil } ? "a load balancer" : nil
    }
}
