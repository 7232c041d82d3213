internal import Compose
internal import JSON

/// Remembers how servers are reached.
enum ContextCommands {
    static let show = Command(
        "context",
        operands: "[show]",
        summary: "show the saved connections, and which one is used"
    ) { invocation in
        guard invocation.arguments.operands.isEmpty || invocation.arguments.operands == ["show"] else {
            throw CommandFailure.usage("'drover context' is followed by show, use or save")
        }
        let file: ContextFile = try .load(invocation.environment) ?? ContextFile()
        let names: [String] = file.contexts.keys.sorted()
        guard invocation.output == .table else {
            invocation.show(.array(names.map { document($0, file) }))
            return 0
        }
        var table = Table("CURRENT", "NAME", "URL", "KEY", "ENVIRONMENT")
        for name in names {
            let context: ContextFile.Context? = file.contexts[name]
            table.rows.append([
                file.current == name ? "*" : "", Table.Cell(name), Table.Cell(context?.url ?? ""),
                Table.Cell(
                    context?.certificate.map { _ in "a certificate" }
                        ?? context?.accessKey.map { $0 == Connection.loginUser ? "a login" : $0 } ?? "none"
                ),
                Table.Cell(context?.environment ?? ""),
            ])
        }
        if !names.isEmpty { invocation.console.write(table.text(width: invocation.console.columns(), colour: false)) }
        do throws(CommandFailure) {
            let used: Connection = try .find(invocation)
            let key: String =
                used.certificate.map { "the certificate \($0.certificate)" }
                ?? used.accessKey.map { $0 == Connection.loginUser ? "a login" : "the key \($0)" }.map {
                    "\($0) from \(used.keySource)"
                } ?? "no key"
            invocation.console.note("commands go to \(used.address) (from \(used.addressSource)) with \(key)")
        } catch {
            invocation.console.note(error.message)
        }
        return 0
    }

    /// Secrets stay in the file.
    private static func document(_ name: String, _ file: ContextFile) -> JSONValue {
        [
            "name": .string(name), "current": .bool(file.current == name), "url": JSONValue(file.contexts[name]?.url),
            "accessKey": JSONValue(file.contexts[name]?.accessKey),
            "certificateFile": JSONValue(file.contexts[name]?.certificate?.certificate),
            "environment": JSONValue(file.contexts[name]?.environment),
        ]
    }

    static let use = Command("context use", operands: "NAME", summary: "use a saved connection from now on") {
        invocation in
        guard invocation.arguments.operands.count == 1, let name: String = invocation.arguments.operands.first else {
            throw CommandFailure.usage("name one context")
        }
        guard var file: ContextFile = try .load(invocation.environment), file.contexts[name] != nil else {
            let known: [String] = try ContextFile.load(invocation.environment)?.contexts.keys.sorted() ?? []
            throw CommandFailure(
                "there is no context '\(name)'\(Spelling.hint(for: name, among: known)); 'drover context save' makes one"
            )
        }
        file.current = name
        try file.save(invocation.environment)
        invocation.console.note("commands use the context '\(name)' from now on")
        return 0
    }

    static let save = Command(
        "context save",
        operands: "NAME",
        summary: "save how the server is reached now, and use it from now on",
        details: "For example: drover --url http://server:8080 --access-key KEY --secret-key KEY context save work"
    ) { invocation in
        guard invocation.arguments.operands.count == 1, let name: String = invocation.arguments.operands.first else {
            throw CommandFailure.usage("give the context one name")
        }
        let connection: Connection = try .find(invocation)
        var file: ContextFile = try .load(invocation.environment) ?? ContextFile()
        file.contexts[name] = ContextFile.Context(
            url: "\(connection.address)",
            accessKey: connection.accessKey,
            secretKey: connection.secretKey,
            environment: connection.environmentName,
            caFile: connection.authorityFile,
            certificate: connection.certificate
        )
        file.current = name
        try file.save(invocation.environment)
        invocation.console.note("saved \(connection.address) as the context '\(name)', which is used from now on")
        return 0
    }
}
