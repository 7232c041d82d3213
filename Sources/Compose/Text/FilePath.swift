/// Paths in compose files, which start from the folder of their file.
enum FilePath {
    /// The absolute path, without `.` and `..` where they can be resolved by text alone.
    static func resolve(_ path: String, folder: String, home: String?) -> String {
        var whole: String = path
        if let home, path == "~" || path.hasPrefix("~/") {
            whole = home + path.dropFirst()
        } else if !path.hasPrefix("/") {
            whole = "\(folder)/\(path)"
        }
        var parts: [Substring] = []
        for part in whole.split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }
}
