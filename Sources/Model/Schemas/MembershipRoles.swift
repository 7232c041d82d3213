/// The roles that a membership can name.
package enum MembershipRoles {
    /// In the order in which they count: of several the first.
    package static let names: [String] = ["owner", "member", "restricted", "stackowner", "stackuser", "readonly"]
}
