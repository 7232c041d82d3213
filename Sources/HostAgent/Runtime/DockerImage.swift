/// A reference to an image, taken apart as the engine's pull wants it.
struct DockerImage: Hashable {
    /// Without its tag; with its digest.
    var name: String
    /// nil when a digest says which.
    var tag: String?

    /// `[registry[:port]/]repository[:tag][@digest]`; without a tag or digest it is `latest`.
    init(_ reference: String) {
        guard !reference.contains("@") else {
            name = reference
            tag = nil
            return
        }
        let lastSlash: String.Index = reference.lastIndex(of: "/") ?? reference.startIndex
        if let colon: String.Index = reference.lastIndex(of: ":"), colon > lastSlash {
            name = String(reference[..<colon])
            tag = String(reference[reference.index(after: colon)...])
        } else {
            name = reference
            tag = "latest"
        }
    }

    var reference: String { tag.map { "\(name):\($0)" } ?? name }
}
