/// One option of a command, which may be given several times.
package struct OptionSpec: Sendable {
    /// Without its dashes.
    package var name: String
    package var short: Character?
    /// What its value is called in the help; nil for a flag.
    package var value: String?
    package var help: String

    package init(_ name: String, short: Character? = nil, value: String? = nil, _ help: String) {
        self.name = name
        self.short = short
        self.value = value
        self.help = help
    }

    /// As the help shows it: `-f, --file FILE`.
    var title: String {
        (short.map { "-\($0), " } ?? "    ") + "--\(name)" + (value.map { " \($0)" } ?? "")
    }

    /// Stand before the verb or behind it, for every command.
    package static let global: [OptionSpec] = [
        OptionSpec("url", value: "URL", "where the server answers (DROVER_URL)"),
        OptionSpec("ca-file", value: "FILE", "certificates that an https server may come from (DROVER_CA_FILE)"),
        OptionSpec("access-key", value: "KEY", "the API key (DROVER_ACCESS_KEY)"),
        OptionSpec("secret-key", value: "KEY", "its secret (DROVER_SECRET_KEY)"),
        OptionSpec(
            "client-certificate",
            value: "FILE",
            "a certificate to show instead of a key, over https (DROVER_CLIENT_CERTIFICATE)"
        ),
        OptionSpec("client-key", value: "FILE", "the private key of that certificate (DROVER_CLIENT_KEY)"),
        OptionSpec("env", value: "NAME|ID", "the environment; else the only one, or Default"),
        OptionSpec("output", value: "FORMAT", "table, json or yaml"),
        OptionSpec("help", short: "h", "print this help"),
    ]
}
