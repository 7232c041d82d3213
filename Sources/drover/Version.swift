/// This build.
enum Version {
    static let number: String = "0.1.0"
}
