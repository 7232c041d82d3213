/// What is done with one key of a service.
struct KeyRule: Sendable {
    /// How the value is read, and the member of the launch configuration that it becomes.
    enum Form: Sendable {
        case text(String)
        case integer(String)
        case flag(String)
        /// Bytes, with units.
        case size(String)
        /// A duration, as whole seconds.
        case seconds(String)
        /// A list of texts, or one.
        case list(String)
        /// A list of texts, or a command line that is split.
        case words(String)
        /// A mapping, or a list of `key=value`.
        case map(String)
        /// Read by code of its own.
        case special
        /// Known but not built yet; the text says what happens instead.
        case unsupported(String)
    }

    /// The file that the key belongs into.
    enum Home: Sendable {
        case docker, rancher, either
    }

    /// What a second file does to the first one's value.
    enum Merging: Sendable {
        case replaces, adds
    }

    var name: String
    var home: Home
    var form: Form
    var merging: Merging

    init(_ name: String, _ form: Form, home: Home = .docker, merging: Merging = .replaces) {
        self.name = name
        self.form = form
        self.home = home
        self.merging = merging
    }

    /// Whether it stands in the wrong kind of file there.
    func isMisplaced(in role: ComposeRole) -> Bool {
        switch (home, role) {
        case (.docker, .rancher), (.rancher, .docker): true
        default: false
        }
    }
}
