internal import YAML

/// Turns files into raw services, and those into services.
struct ProjectReader {
    let variables: [String: String]
    let diagnostics: Diagnostics
    private var raw: [RawService] = []

    init(variables: [String: String], diagnostics: Diagnostics) {
        self.variables = variables
        self.diagnostics = diagnostics
    }

    mutating func add(_ file: ComposeFile) {
        let root: YAMLNode
        do throws(YAMLError) {
            root = try YAML.parse(file.text, file: file.name)
        } catch {
            let place = SourcePlace(file: file.name, line: error.line, column: error.column)
            let hint: String = file.text.contains("{{") ? "; templates ({{ … }}) are not supported yet" : ""
            return diagnostics.fail(place, error.message + hint)
        }
        if root.isNull { return }
        guard let members: [(key: YAMLNode, value: YAMLNode)] = root.mapping else {
            return diagnostics.fail(place(root, file), "a compose file is a mapping of names to values")
        }
        if isVersion2(root, file) {
            addSections(members, file)
        } else {
            for member in members { addVersion1(member, file) }
        }
    }

    private func place(_ node: YAMLNode, _ file: ComposeFile) -> SourcePlace {
        SourcePlace(file: file.name, line: max(1, node.line), column: max(1, node.column))
    }

    private func isVersion2(_ root: YAMLNode, _ file: ComposeFile) -> Bool {
        guard let version: YAMLNode = root["version"], version.mapping == nil else {
            return root["services"]?.mapping != nil
        }
        let text: String = version.string ?? ""
        switch text.split(separator: ".").first {
        case "1": return false
        case "2": return true
        case "3":
            diagnostics.warn(
                place(version, file),
                "version '\(text)' is read as version 2; what only version 3 has is refused or left out"
            )
            return true
        default:
            diagnostics.fail(place(version, file), "version '\(text)' is not supported; write '2'")
            return true
        }
    }

    // MARK: Version 1: services at the top

    private mutating func addVersion1(_ member: (key: YAMLNode, value: YAMLNode), _ file: ComposeFile) {
        let name: String = member.key.text ?? ""
        if name == "version" && member.value.mapping == nil { return }
        if name == ".catalog" || name == "catalog" || name.hasPrefix("x-") { return }
        if ["volumes", "networks", "secrets"].contains(name) {
            return diagnostics.fail(
                place(member.key, file),
                "'\(name)' is a section of version 2: add version: '2' and put the services under services:"
            )
        }
        addService(member, file)
    }

    // MARK: Version 2: sections

    private mutating func addSections(_ members: [(key: YAMLNode, value: YAMLNode)], _ file: ComposeFile) {
        for member in members {
            let name: String = member.key.text ?? ""
            if name == "services" {
                guard let services: [(key: YAMLNode, value: YAMLNode)] = member.value.mapping else {
                    if !member.value.isNull {
                        diagnostics.fail(place(member.value, file), "'services' is a mapping of names to services")
                    }
                    continue
                }
                for service in services where service.key.text?.hasPrefix("x-") != true { addService(service, file) }
            } else if name == "volumes" {
                checkVolumes(member.value, file)
            } else if let known: String? = Vocabulary.sections[name] {
                if let happens: String = known {
                    diagnostics.warn(place(member.key, file), "'\(name)' is not supported yet: \(happens)")
                }
            } else if !name.hasPrefix("x-") {
                let hint: String = Spelling.hint(for: name, among: Vocabulary.sections.keys.sorted())
                diagnostics.fail(place(member.key, file), "'\(name)' is no section of a compose file\(hint)")
            }
        }
    }

    /// Named volumes are made by the hosts when a container first wants them; all else that may be said here is not built.
    private func checkVolumes(_ node: YAMLNode, _ file: ComposeFile) {
        guard !node.isNull else { return }
        guard let volumes: [(key: YAMLNode, value: YAMLNode)] = node.mapping else {
            return diagnostics.fail(place(node, file), "'volumes' is a mapping of names to volumes")
        }
        let keys: [String] = ["driver", "driver_opts", "external", "per_container", "labels", "name"]
        for volume in volumes where !volume.value.isNull {
            let name: String = volume.key.text ?? ""
            guard let members: [(key: YAMLNode, value: YAMLNode)] = volume.value.mapping else {
                diagnostics.fail(place(volume.value, file), "the volume '\(name)' is a mapping, or nothing")
                continue
            }
            for member in members {
                let key: String = member.key.text ?? ""
                if key == "external" || (key == "driver" && member.value.string == "local") { continue }
                if keys.contains(key) {
                    diagnostics.warn(
                        place(member.key, file),
                        "'\(key)' of a volume is not supported yet: each host makes '\(name)' with its own defaults"
                    )
                } else {
                    let hint: String = Spelling.hint(for: key, among: keys)
                    diagnostics.fail(place(member.key, file), "'\(key)' is no key of a volume\(hint)")
                }
            }
        }
    }

    // MARK: Services

    private mutating func addService(_ member: (key: YAMLNode, value: YAMLNode), _ file: ComposeFile) {
        let name: String = member.key.text ?? ""
        let index: Int
        if let known: Int = raw.firstIndex(where: { $0.name == name }) {
            index = known
        } else {
            index = raw.count
            raw.append(RawService(name: name, place: place(member.key, file)))
        }
        if member.value.isNull { return }
        guard let members: [(key: YAMLNode, value: YAMLNode)] = member.value.mapping else {
            return diagnostics.fail(
                place(member.value, file),
                "the service '\(name)' must be a mapping of keys to values"
            )
        }
        let interpolator = NodeInterpolator(variables: variables, file: file, diagnostics: diagnostics)
        for (key, value) in members {
            let word: String = key.text ?? ""
            if word.hasPrefix("x-") { continue }
            guard let rule: KeyRule = Vocabulary.service[word] else {
                let hint: String = Spelling.hint(for: word, among: Vocabulary.service.keys.sorted())
                diagnostics.fail(place(key, file), "'\(word)' is no key of a service\(hint)")
                continue
            }
            if case .unsupported(let happens) = rule.form {
                diagnostics.warn(place(key, file), "'\(word)' is not supported yet: \(happens)")
                continue
            }
            if rule.isMisplaced(in: file.role) {
                let home: String = rule.home == .rancher ? "rancher-compose.yml" : "docker-compose.yml"
                diagnostics.warn(place(key, file), "'\(word)' belongs into \(home); it is used from here all the same")
            }
            raw[index].add(Entry(key: key, value: interpolator.expand(value), file: file), for: word)
        }
    }

    /// The services, each after those it depends on.
    func services(readFile: (String) -> String?) -> [ComposeService] {
        let names: [String] = raw.map(\.name)
        let sidekicks: [String: String] = sidekickOwners()
        var services: [ComposeService] = []
        for one in raw {
            var reader = ServiceReader(
                raw: one,
                names: names,
                sidekickOf: sidekicks[one.name],
                variables: variables,
                diagnostics: diagnostics
            )
            if let service: ComposeService = reader.read(readFile) { services.append(service) }
        }
        return ServiceOrder.sorted(services, diagnostics)
    }

    private func sidekickOwners() -> [String: String] {
        var owners: [String: String] = [:]
        for one in raw {
            for entry in one.entries(for: "labels") {
                guard let list: String = entry.value["io.rancher.sidekicks"]?.string else { continue }
                for name in list.split(separator: ",") {
                    owners[name.filter { $0 != " " }] = one.name
                }
            }
        }
        return owners
    }
}
