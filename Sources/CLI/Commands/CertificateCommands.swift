internal import Certificates
internal import Compose
internal import Glibc
internal import JSON

/// Makes, lists and revokes certificates that an account shows instead of a key.
enum CertificateCommands {
    static let all: [Command] = [list, create, revoke]

    private static let path: String = "/v2-beta/clientcertificates"

    static let list = Command(
        "certificate",
        operands: "[ls]",
        summary: "list the certificates of your account, or of all for an administrator"
    ) { invocation in
        guard invocation.arguments.operands.isEmpty || invocation.arguments.operands == ["ls"] else {
            throw CommandFailure.usage("'drover certificate' is followed by ls, create or revoke")
        }
        return try await invocation.withClient { client in
            let found: [JSONObject] = try await client.list("\(path)?limit=-1")
            invocation.show(found) {
                var table = Table("ID", "NAME", "ACCOUNT", "STATE", "EXPIRES", "SERIAL")
                for one in found {
                    table.rows.append([
                        Table.Cell(one.id), Table.Cell(one.text("name") ?? ""),
                        Table.Cell(one.text("accountId") ?? ""), .state(one), Table.Cell(one.text("expires") ?? ""),
                        Table.Cell(one.text("publicValue") ?? ""),
                    ])
                }
                return table
            }
            return 0
        }
    }

    static let create = Command(
        "certificate create",
        summary: "have a certificate made, to be shown instead of a key",
        details: """
            The private key is made here, in a file that only you can read, and stays here; the server gets a request that is signed
            with it. Without --key-file and --certificate-file both are put beside the saved contexts. With --use the current context
            shows the certificate from then on, and keeps no key. It is good for 30 days: run the command again before they are over.

            With --request the private key is somebody else's business: the file has a request (PKCS #10, PEM), such as
            'openssl req -new' makes one, and the certificate is printed. Administrators may so have one made for another --account.
            """,
        options: [
            OptionSpec("name", value: "NAME", "what the certificate is called in lists"),
            OptionSpec("days", value: "DAYS", "how long it is good, 90 at most (30)"),
            OptionSpec("key-file", value: "FILE", "where the private key is put"),
            OptionSpec("certificate-file", value: "FILE", "where the certificate is put"),
            OptionSpec("use", "show it from now on, in the current context"),
            OptionSpec("request", value: "FILE", "a request that was made elsewhere; - for standard input"),
            OptionSpec("account", value: "ID", "with --request: whose it is to be"),
        ]
    ) { invocation in
        try invocation.refuseOperands()
        if let file: String = invocation.arguments.value("request") {
            return try await certify(file, invocation)
        }
        guard !invocation.arguments.has("account") else {
            throw CommandFailure.usage("a key that is made here is yours: give --account together with --request")
        }
        let connection: Connection = try .find(invocation)
        _ = try expires(invocation)
        let uses: Bool = invocation.arguments.has("use")
        guard !uses || connection.address.isSecure else {
            throw CommandFailure("a certificate is shown over https only: give the https address with --url")
        }
        let files: Connection.CertificateFiles = try files(invocation, connection)
        let key: PrivateKey
        let request: String
        do throws(CertificateFault) {
            key = try .generate()
            request = String(decoding: try CertificateRequest.make(key: key, commonName: "drover").pem, as: UTF8.self)
        } catch {
            throw CommandFailure("no key can be made: \(error)")
        }
        let made: JSONObject = try await post(request, invocation, connection)
        guard let certificate: String = made.text("certificate") else {
            throw CommandFailure("the server at \(connection.address) gave no certificate")
        }
        do throws(CommandFailure) {
            for file in [files.key, files.certificate] {
                let folder: Substring = file.prefix(upTo: file.lastIndex(of: "/") ?? file.startIndex)
                try TextFile.makeFolder(String(folder))
            }
            try TextFile.replacePrivately(files.key, with: String(decoding: key.pem, as: UTF8.self))
            try TextFile.replacePrivately(files.certificate, with: certificate)
            if uses { try use(files, connection, invocation) }
        } catch {
            throw CommandFailure(
                "\(error.message); the certificate is of no use: drover certificate revoke \(made.id)"
            )
        }
        tell(made, invocation, files)
        return 0
    }

    static let revoke = Command(
        "certificate revoke",
        operands: "ID|SERIAL…",
        summary: "end certificates, with all that is open under them"
    ) { invocation in
        let words: [String] = invocation.arguments.operands
        guard !words.isEmpty else { throw CommandFailure.usage("name certificates; 'drover certificate' lists them") }
        return try await invocation.withClient { client in
            for word in words {
                let id: String = try await id(of: word, client)
                do {
                    _ = try await client.send("POST", "\(path)/\(id)?action=deactivate", [:])
                } catch let fault as APIFault where fault.status == 422 {
                    // It was no longer active.
                }
                do {
                    _ = try await client.send("DELETE", "\(path)/\(id)")
                } catch let fault as APIFault where fault.status == 401 && client.connection.certificate != nil {
                    // It was the one that is shown here: it is worth nothing now.
                }
                invocation.console.line("revoked the certificate \(id)".printable)
            }
            return 0
        }
    }

    // MARK: Parts

    private static func id(of word: String, _ client: APIClient) async throws -> String {
        guard word.utf8.count == 32 else { return word }
        let found: [JSONObject] = try await client.list("\(path)?publicValue=\(word.lowercased())")
        guard let one: JSONObject = found.first else {
            throw CommandFailure("there is no certificate with the serial number \(word)")
        }
        return one.id
    }

    private static func certify(_ file: String, _ invocation: Invocation) async throws -> Int32 {
        for option in ["key-file", "certificate-file", "use"] where invocation.arguments.has(option) {
            throw CommandFailure.usage("--\(option) is for keys that are made here, and not with --request")
        }
        var request: String? = file == "-" ? "" : TextFile.read(invocation.path(file))
        if file == "-" { while let line: String = readLine(strippingNewline: false) { request? += line } }
        guard let request else { throw CommandFailure("cannot read \(file)") }
        let made: JSONObject = try await post(request, invocation, try .find(invocation))
        if invocation.output == .table {
            invocation.console.write(made.text("certificate") ?? "")
            invocation.console.note("\(made.id), good until \(made.text("expires") ?? "it expires")")
        } else {
            invocation.show(.object(made.withoutLinks))
        }
        return 0
    }

    private static func post(
        _ request: String,
        _ invocation: Invocation,
        _ connection: Connection
    ) async throws -> JSONObject {
        var body: JSONObject = ["certificateRequest": .string(request)]
        if let name: String = invocation.arguments.value("name") { body["name"] = .string(name) }
        if let account: String = invocation.arguments.value("account") { body["accountId"] = .string(account) }
        if let expires: String = try expires(invocation) { body["expires"] = .string(expires) }
        let wanted: JSONObject = body
        return try await invocation.withClient(connection) { try await $0.send("POST", path, .object(wanted)) }
    }

    private static func expires(_ invocation: Invocation) throws(CommandFailure) -> String? {
        guard let days: Int = try invocation.arguments.count("days") else { return nil }
        guard (1...3_650).contains(days) else { throw .usage("--days is a number of days from 1 on") }
        return StoredTime.text(after: days)
    }

    private static func files(
        _ invocation: Invocation,
        _ connection: Connection
    ) throws(CommandFailure) -> Connection.CertificateFiles {
        let arguments: ParsedArguments = invocation.arguments
        switch (arguments.value("key-file"), arguments.value("certificate-file")) {
        case (let key?, let certificate?):
            return Connection.CertificateFiles(certificate: invocation.path(certificate), key: invocation.path(key))
        case (nil, nil): break
        default: throw .usage("give both --key-file and --certificate-file, or none of them")
        }
        guard let contexts: String = ContextFile.path(invocation.environment) else {
            throw CommandFailure("there is no place for keys: set HOME or XDG_CONFIG_HOME, or give --key-file")
        }
        let place: String = connection.address.authority.filter { $0.isASCII && $0 != "/" }
        let folder: String = "\(contexts.dropLast("/context.json".count))/certificates"
        return Connection.CertificateFiles(
            certificate: "\(folder)/\(place).certificate.pem",
            key: "\(folder)/\(place).key.pem"
        )
    }

    private static func use(
        _ files: Connection.CertificateFiles,
        _ connection: Connection,
        _ invocation: Invocation
    ) throws(CommandFailure) {
        var file: ContextFile = try .load(invocation.environment) ?? ContextFile()
        let place: String = LoginCommands.place(for: connection, in: file)
        file.contexts[place] = ContextFile.Context(
            url: "\(connection.address)",
            environment: connection.environmentName ?? file.contexts[place]?.environment,
            caFile: connection.authorityFile,
            certificate: files
        )
        file.current = place
        try file.save(invocation.environment)
        invocation.console.note("the context '\(place)' shows the certificate from now on")
    }

    private static func tell(
        _ made: JSONObject,
        _ invocation: Invocation,
        _ files: Connection.CertificateFiles
    ) {
        guard invocation.output == .table else {
            var document: JSONObject = made.withoutLinks
            document["certificateFile"] = .string(files.certificate)
            document["keyFile"] = .string(files.key)
            return invocation.show(.object(document))
        }
        invocation.console.line(files.certificate.printable)
        invocation.console.note(
            "\(made.id), good until \(made.text("expires") ?? "it expires"); its private key is in \(files.key)"
        )
    }
}

/// Times as the API takes them.
enum StoredTime {
    /// That many days from now, in UTC, such as `2027-01-31T12:00:00Z`.
    static func text(after days: Int) -> String {
        var moment: time_t = time(nil) + days * 86_400
        var parts = tm()
        gmtime_r(&moment, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count: Int = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
