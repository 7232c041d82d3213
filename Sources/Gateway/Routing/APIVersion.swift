/// A version of the API.
///
/// Both have the same resources; ``VersionOne`` says what the older one calls them.
enum APIVersion: String, CaseIterable, Hashable, Sendable {
    case one = "v1"
    case two = "v2-beta"
}
