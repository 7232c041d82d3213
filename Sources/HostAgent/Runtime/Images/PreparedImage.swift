/// An image whose files are at hand.
struct PreparedImage: Hashable, Sendable {
    /// The root file system, never written to; nil for the machine's own.
    var root: String?
    var config: ImageConfig
}
