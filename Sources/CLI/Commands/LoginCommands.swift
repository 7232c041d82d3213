internal import CLinux
internal import Compose
internal import Glibc
internal import JSON

/// Logging in with a name and a password, and keeping the login in the saved context.
enum LoginCommands {
    static let login = Command(
        "login",
        operands: "NAME",
        summary: "log in with a name and a password, and use that from now on",
        details: """
            The password comes from the file of --password-file, from DROVER_PASSWORD, or from the first line of standard input.
            What the server gives for it is kept in the current context, or in one that is made, named after the server; the password
            is not. It is good until 'drover logout', or until the server's time for logins is over.
            """,
        options: [OptionSpec("password-file", value: "FILE", "a file with the password on its first line")]
    ) { invocation in
        guard invocation.arguments.operands.count == 1, let name: String = invocation.arguments.operands.first,
            !name.contains(":")
        else { throw CommandFailure.usage("name whose login it is; a name has no colon") }
        let password: String = try password(invocation)
        var connection: Connection = try .find(invocation)
        // Who one was before does not count.
        connection.accessKey = nil
        connection.secretKey = nil
        connection.certificate = nil
        let answer: JSONObject = try await invocation.withClient(connection) { client in
            try await client.send("POST", "/v2-beta/token", ["code": .string("\(name):\(password)")])
        }
        guard let token: String = answer["jwt"]?.string else {
            throw CommandFailure("the server at \(connection.address) gave no login")
        }
        var file: ContextFile = try .load(invocation.environment) ?? ContextFile()
        let place: String = place(for: connection, in: file)
        file.contexts[place] = ContextFile.Context(
            url: "\(connection.address)",
            accessKey: Connection.loginUser,
            secretKey: token,
            environment: connection.environmentName ?? file.contexts[place]?.environment,
            caFile: connection.authorityFile
        )
        file.current = place
        try file.save(invocation.environment)
        let who: String = answer["user"]?.string ?? name
        invocation.console.note("logged in to \(connection.address) as \(who), in the context '\(place)'")
        return 0
    }

    static let logout = Command(
        "logout",
        summary: "end the login of the current context, on the server and here"
    ) { invocation in
        try invocation.refuseOperands()
        guard var file: ContextFile = try .load(invocation.environment), let name: String = file.current,
            let context: ContextFile.Context = file.contexts[name], context.accessKey == Connection.loginUser,
            let token: String = context.secretKey
        else { throw CommandFailure("the current context has no login; 'drover context' shows what is used") }
        var connection = Connection(
            address: try ServerAddress(parsing: context.url),
            addressSource: name,
            keySource: name
        )
        connection.accessKey = Connection.loginUser
        connection.secretKey = token
        connection.authorityFile = context.caFile
        do {
            _ = try await invocation.withClient(connection) { try await $0.send("DELETE", "/v2-beta/token/current") }
        } catch APIFault.refused(let refusal) where refusal.code == "JWTNotProvided" {
            invocation.console.note("the server knew of this login no more")
        }
        file.contexts[name]?.accessKey = nil
        file.contexts[name]?.secretKey = nil
        try file.save(invocation.environment)
        invocation.console.note("logged out; the context '\(name)' stays, without a key")
        return 0
    }

    /// The current context if it is of this server, else one that has its name.
    static func place(for connection: Connection, in file: ContextFile) -> String {
        if let current: String = file.current, let context: ContextFile.Context = file.contexts[current],
            (try? ServerAddress(parsing: context.url)) == connection.address
        {
            return current
        }
        return connection.address.authority
    }

    private static func password(_ invocation: Invocation) throws(CommandFailure) -> String {
        let text: String
        if let file: String = invocation.arguments.value("password-file") {
            guard let read: String = TextFile.read(invocation.path(file)) else {
                throw CommandFailure("cannot read \(file)")
            }
            text = read
        } else if let given: String = invocation.environment["DROVER_PASSWORD"], !given.isEmpty {
            text = given
        } else {
            text = typed(invocation.console)
        }
        let line: String = text.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        guard !line.isEmpty else {
            throw .usage("give the password by --password-file, DROVER_PASSWORD or standard input")
        }
        return line
    }

    /// The first line of standard input; a terminal does not show it.
    private static func typed(_ console: Console) -> String {
        var shown = termios()
        guard tcgetattr(0, &shown) == 0 else { return readLine(strippingNewline: true) ?? "" }
        console.note("password:")
        var hidden: termios = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(0, TCSAFLUSH, &hidden)
        defer { tcsetattr(0, TCSAFLUSH, &shown) }
        return readLine(strippingNewline: true) ?? ""
    }
}
