import JSON

/// What a workload must not be, or must be, for an allowing rule to allow making or changing it.
///
/// Looked at in every launch configuration of the object; a container is its own.
package struct Constraint: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// `privileged=false`
        case privileged
        /// `imagePrefix=reg.example/`: of `imageUuid`, with or without its `docker:`.
        case imagePrefix
        /// `capAdd=false`: no further capabilities.
        case capAdd
        /// `devices=false`: none of the host's devices.
        case devices
        /// `hostMounts=false`: none of the host's folders.
        case hostMounts
        /// `hostNetwork=false`
        case hostNetwork
        /// `hostPid=false`
        case hostPid
    }

    package let kind: Kind
    /// The prefix; empty for the others, whose only value is `false`.
    package let value: String

    /// nil for a name that is none, and for a value that it cannot have.
    package init?(_ name: String, _ value: String) {
        guard let kind = Kind(rawValue: name) else { return nil }
        switch kind {
        case .imagePrefix: guard !value.isEmpty else { return nil }
        default: guard value == "false" else { return nil }
        }
        self.kind = kind
        self.value = kind == .imagePrefix ? value : ""
    }

    /// The field of the object that is against it; nil when nothing is.
    func violation(in object: AccessObject) -> String? {
        var configurations: [JSONObject] = [object.members]
        if let main: JSONObject = object.members["launchConfig"]?.object { configurations.append(main) }
        configurations += (object.members["secondaryLaunchConfigs"]?.array ?? []).compactMap(\.object)
        for configuration in configurations {
            if let field: String = violation(in: configuration) { return field }
        }
        return nil
    }

    private func violation(in configuration: JSONObject) -> String? {
        func isFilled(_ name: String) -> Bool { !(configuration[name]?.array?.isEmpty ?? true) }
        switch kind {
        case .privileged: return configuration["privileged"]?.bool == true ? "privileged" : nil
        case .imagePrefix:
            guard let image: String = configuration["imageUuid"]?.string else { return nil }
            let plain: Substring = image.hasPrefix("docker:") ? image.dropFirst("docker:".count) : image[...]
            return plain.hasPrefix(value) || image.hasPrefix(value) ? nil : "imageUuid"
        case .capAdd: return isFilled("capAdd") ? "capAdd" : nil
        case .devices: return isFilled("devices") ? "devices" : nil
        case .hostMounts:
            let mounts: [String] = configuration["dataVolumes"]?.array?.compactMap(\.string) ?? []
            return mounts.contains { $0.hasPrefix("/") && $0.contains(":") } ? "dataVolumes" : nil
        case .hostNetwork: return configuration["networkMode"]?.string == "host" ? "networkMode" : nil
        case .hostPid: return configuration["pidMode"]?.string == "host" ? "pidMode" : nil
        }
    }

    package var description: String {
        kind == .imagePrefix ? "imagePrefix=\(value)" : "\(kind.rawValue)=false"
    }
}
