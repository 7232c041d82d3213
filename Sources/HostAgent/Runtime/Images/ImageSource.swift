import HostAgentCore

/// Where an image comes from, as the launch configuration's image says.
///
/// Shape: a registry's reference (`nginx:1`, `docker://…`), `docker-archive:/file[:reference]`, `oci:/layout[:tag]`,
/// `tar:/file` (a root file system), `dir:/folder` (one that is unpacked) or `host:` (the machine's own files).
enum ImageSource: Hashable, Sendable {
    case registry(String)
    /// What `docker save` writes; the reference says which of several images.
    case archive(path: String, reference: String?)
    /// An OCI image layout; the tag says which of several images.
    case layout(path: String, tag: String?)
    case tar(path: String)
    case folder(path: String)
    case host

    /// - Throws: naming what is wrong with the text.
    init(_ text: String) throws(OperationFailure) {
        if text == "host" || text == "host:" {
            self = .host
        } else if let rest: String = Self.rest(of: text, after: "docker-archive:") {
            let (path, reference) = try Self.split(rest, of: text)
            self = .archive(path: path, reference: reference)
        } else if let rest: String = Self.rest(of: text, after: "oci:"), rest.hasPrefix("/") {
            let (path, tag) = try Self.split(rest, of: text)
            self = .layout(path: path, tag: tag)
        } else if let rest: String = Self.rest(of: text, after: "tar:"), rest.hasPrefix("/") {
            self = .tar(path: try Self.absolute(rest, of: text))
        } else if let rest: String = Self.rest(of: text, after: "dir:"), rest.hasPrefix("/") {
            self = .folder(path: try Self.absolute(rest, of: text))
        } else {
            let reference: String = Self.rest(of: text, after: "//") ?? text
            let isOdd: Bool =
                reference.isEmpty || reference.hasPrefix("-") || reference.hasPrefix("/")
                || reference.utf8.contains { $0 <= 0x20 || $0 == 0x7F }
            guard !isOdd else {
                throw OperationFailure(
                    "the image '\(text)' is no reference, and none of docker-archive:/…, oci:/…, tar:/…, dir:/… and host:"
                )
            }
            self = .registry(reference)
        }
    }

    /// As it was written.
    var description: String {
        switch self {
        case .registry(let reference): reference
        case .archive(let path, let reference): "docker-archive:\(path)" + (reference.map { ":\($0)" } ?? "")
        case .layout(let path, let tag): "oci:\(path)" + (tag.map { ":\($0)" } ?? "")
        case .tar(let path): "tar:\(path)"
        case .folder(let path): "dir:\(path)"
        case .host: "host:"
        }
    }

    private static func rest(of text: String, after prefix: String) -> String? {
        text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
    }

    private static func split(
        _ rest: String,
        of text: String
    ) throws(OperationFailure) -> (path: String, name: String?) {
        let parts: [Substring] = rest.split(separator: ":", maxSplits: 1)
        guard let path: Substring = parts.first else { throw Self.relative(text) }
        return (try absolute(String(path), of: text), parts.count > 1 ? String(parts[1]) : nil)
    }

    private static func absolute(_ path: String, of text: String) throws(OperationFailure) -> String {
        guard path.hasPrefix("/"), !path.utf8.contains(0) else { throw relative(text) }
        return path
    }

    private static func relative(_ text: String) -> OperationFailure {
        OperationFailure("the image '\(text)' must name an absolute path of its host")
    }
}
