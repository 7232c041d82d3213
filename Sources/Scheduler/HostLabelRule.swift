/// One demand on a host's labels (contract O15, `host_label`).
package struct HostLabelRule: Hashable, Sendable {
    package var key: String
    package var value: String
    /// false for the `_ne` forms: the host must not have it.
    package var isWanted: Bool
    /// false for the `_soft` forms: a preference.
    package var isHard: Bool

    package init(key: String, value: String, isWanted: Bool = true, isHard: Bool = true) {
        self.key = key
        self.value = value
        self.isWanted = isWanted
        self.isHard = isHard
    }

    package func holds(on host: HostCandidate) -> Bool {
        (host.labels[key] == value) == isWanted
    }

    /// The label's suffix: empty, `_ne`, `_soft`, `_soft_ne`.
    package var suffix: String { (isHard ? "" : "_soft") + (isWanted ? "" : "_ne") }
}
