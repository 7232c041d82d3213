import ClusterNode

/// The end of a log, for an error message.
enum LastLines {
    static func of(_ path: String, count: Int = 5) -> String {
        guard let bytes: [UInt8] = try? DataFolder.read(path) else { return "" }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").suffix(count).joined(separator: "\n")
    }
}
