/// The settings with a meaning.
///
/// Others can be stored, and mean nothing to the server itself.
package enum SettingCatalogue {
    package static let all: [SettingDefinition] = (access + login + gateway + quotas + cluster + upkeep + kept).sorted {
        $0.name < $1.name
    }

    private static let byName: [String: SettingDefinition] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    package static func definition(_ name: String) -> SettingDefinition? { byName[name] }

    /// Names of the settings that are not for administrators only, alphabetically; `settings.public` can name others.
    package static let publicNames: [String] = (access + login + gateway + cluster + upkeep + kept).filter(\.isPublic)
        .map(
            \.name
        )
        .sorted()

    /// Whether collections show a setting of that name: those that do not start with a lower-case letter are internal.
    package static func isListed(_ name: String) -> Bool {
        name.utf8.first.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) } ?? false
    }

    /// The setting that a variable of the environment is for: `API_HOST` is `api.host`.
    ///
    /// A variable says neither dots nor underscores apart: `SERVICE_LOG_PURGE_AFTER_SECONDS` is the one setting of the
    /// catalogue that reads so; what is in no catalogue gets dots.
    package static func name(ofVariable variable: String) -> String {
        let plain: String = variable.lowercased()
        if let known: SettingDefinition = all.first(where: { flattened($0.name) == plain }) { return known.name }
        return String(plain.map { $0 == "_" ? "." : $0 })
    }

    private static func flattened(_ name: String) -> String {
        String(name.lowercased().map { $0 == "." || $0 == "-" ? "_" : $0 })
    }
}
