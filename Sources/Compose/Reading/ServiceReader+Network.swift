internal import JSON
internal import YAML

extension ServiceReader {
    mutating func readNetwork() {
        readPorts()
        readNetworkMode()
        if let entry: Entry = raw.entry(for: "pid"), let mode: String = text(entry) {
            if mode == "host" {
                launch["pidMode"] = "host"
            } else if mode.hasPrefix("container:") || mode.hasPrefix("service:") {
                diagnostics.warn(
                    entry.keyPlace,
                    "'pid: \(mode)' is not supported yet: the container gets processes of its own"
                )
            } else {
                diagnostics.fail(entry.valuePlace, "'pid' can only be host, not '\(mode)'")
            }
        }
        readExtraHosts()
    }

    /// As they were written; what stands twice is one.
    private mutating func readPorts() {
        var ports: [String] = []
        for entry in raw.entries(for: "ports") {
            for (text, node) in texts(entry) {
                if let message: String = PortCheck.message(text) {
                    diagnostics.fail(entry.place(of: node), message)
                } else if !ports.contains(text) {
                    ports.append(text)
                }
            }
        }
        if !ports.isEmpty { launch["ports"] = JSONValue(ports) }
    }

    private mutating func readNetworkMode() {
        let old: Entry? = raw.entry(for: "net")
        guard let entry: Entry = raw.entry(for: "network_mode") ?? old, let mode: String = text(entry) else { return }
        switch mode {
        case "": break
        case "managed", "bridge", "host", "none", "default": launch["networkMode"] = .string(mode)
        default:
            let name: String = entry.key.text ?? ""
            if let other: Substring = mode.split(separator: ":", maxSplits: 1).dropFirst().first {
                if names.contains(String(other)) { depend(on: String(other)) }
                diagnostics.warn(
                    entry.keyPlace,
                    "'\(name): \(mode)' is not supported yet: the container gets an address of its own"
                )
            } else {
                let modes: [String] = ["managed", "bridge", "host", "none", "default"]
                if Spelling.nearest(to: mode, among: modes) == nil {
                    // The name of a network that some driver brings.
                    diagnostics.warn(
                        entry.keyPlace,
                        "'\(name): \(mode)' is not supported yet: the container joins the environment's network"
                    )
                } else {
                    let hint: String = Spelling.hint(for: mode, among: modes)
                    diagnostics.fail(
                        entry.valuePlace,
                        "'\(name)' must be one of \(modes.joined(separator: ", ")), not '\(mode)'\(hint)"
                    )
                }
            }
        }
    }

    /// A mapping of names to addresses, or a list of `name:address`.
    private mutating func readExtraHosts() {
        var hosts: [String] = []
        for entry in raw.entries(for: "extra_hosts") {
            if entry.value.mapping != nil {
                hosts += pairs(entry).map { "\($0.key):\($0.value ?? "")" }
                continue
            }
            for (text, node) in texts(entry) {
                if text.contains(":") {
                    hosts.append(text)
                } else {
                    diagnostics.fail(
                        entry.place(of: node),
                        "'extra_hosts' has elements such as db:10.0.0.5, not '\(text)'"
                    )
                }
            }
        }
        if !hosts.isEmpty { launch["extraHosts"] = JSONValue(hosts) }
    }

    mutating func readDependencies() {
        for entry in raw.entries(for: "depends_on") {
            diagnostics.warn(
                entry.keyPlace,
                "'depends_on' is used for the order of creation only: nothing waits for the other service"
            )
            let wanted: [(key: String, node: YAMLNode)] =
                entry.value.mapping.map { $0.map { (key: $0.key.text ?? "", node: $0.key) } }
                ?? texts(entry).map { (key: $0.text, node: $0.node) }
            for (name, node) in wanted {
                if names.contains(name) {
                    depend(on: name)
                } else {
                    let hint: String = Spelling.hint(for: name, among: names)
                    diagnostics.fail(
                        entry.place(of: node),
                        "'depends_on' names '\(name)', which is no service here\(hint)"
                    )
                }
            }
        }
        for entry in raw.entries(for: "links") {
            diagnostics.warn(
                entry.keyPlace,
                "'links' is not supported yet: no aliases are made; it is used for the order of creation"
            )
            for pair in linkTargets(entry) where names.contains(pair) { depend(on: pair) }
        }
        for entry in raw.entries(for: "volumes_from") {
            diagnostics.warn(
                entry.keyPlace,
                "'volumes_from' is not supported yet: the container gets none of those volumes"
            )
            for target in linkTargets(entry) where names.contains(target) { depend(on: target) }
        }
    }

    /// The part before the colon of `service[:alias]` or `service[:mode]`.
    private func linkTargets(_ entry: Entry) -> [String] {
        if let members: [(key: YAMLNode, value: YAMLNode)] = entry.value.mapping {
            return members.compactMap(\.key.text)
        }
        return texts(entry).map { String($0.text.prefix { $0 != ":" }) }
    }

    private mutating func depend(on name: String) {
        if name != raw.name, !dependsOn.contains(name) { dependsOn.append(name) }
    }
}
