internal import JSON

/// How the server is reached, and where each part of that was found.
struct Connection: Sendable {
    var address: ServerAddress
    /// Such as `--url`.
    var addressSource: String
    var accessKey: String?
    var secretKey: String?
    var keySource: String
    /// Name or id of the environment, when one was asked for.
    var environmentName: String?
    /// Path of the certificates of the authorities that the server may come from; nil for the system's own.
    var authorityFile: String?
    /// What is shown instead of a key; never beside one.
    var certificate: CertificateFiles?

    /// Where a certificate and its private key are, as absolute paths.
    struct CertificateFiles: Equatable, Sendable {
        var certificate: String
        var key: String
    }

    /// Stands for an access key where the secret is a login.
    static let loginUser: String = "x-api-bearer"
}

extension Connection {
    /// Looks at options, then the process's environment, then the saved context, then a development cluster nearby.
    ///
    /// A saved key goes only to the server that it was saved with.
    static func find(_ invocation: Invocation) throws(CommandFailure) -> Connection {
        let saved: Stored? = try savedContext(invocation) ?? developmentCluster(invocation)
        let given: (text: String, source: String)? = first(invocation, option: "url", variable: "DROVER_URL")
        guard let url: (text: String, source: String) = given ?? saved.map({ ($0.url, $0.source) }) else {
            throw CommandFailure(
                "no server is known: start one with 'drover dev', or name one with --url, DROVER_URL or 'drover context save'"
            )
        }
        let address = try ServerAddress(parsing: url.text)
        var connection = Connection(address: address, addressSource: url.source, keySource: "")
        connection.environmentName = invocation.arguments.value("env") ?? saved?.environment

        if let given = first(invocation, option: "ca-file", variable: "DROVER_CA_FILE") {
            connection.authorityFile = invocation.path(given.text)
        } else if let saved, (try? ServerAddress(parsing: saved.url))?.host == address.host {
            connection.authorityFile = saved.caFile
        }

        let shown: CertificateFiles? = try certificateFiles(invocation)
        let access = first(invocation, option: "access-key", variable: "DROVER_ACCESS_KEY")
        let secret = first(invocation, option: "secret-key", variable: "DROVER_SECRET_KEY")
        switch (access, secret) {
        case (.some, .some) where shown != nil:
            throw .usage("both a key and a certificate are given; a request shows one of them")
        case (let access?, let secret?):
            connection.accessKey = access.text
            connection.secretKey = secret.text
            connection.keySource = access.source
        case (nil, nil) where shown != nil:
            connection.certificate = shown
            connection.keySource = shown?.certificate ?? ""
        case (nil, nil):
            if let saved, ([saved.url] + saved.others).contains(where: { (try? ServerAddress(parsing: $0)) == address })
            {
                connection.accessKey = saved.accessKey
                connection.secretKey = saved.secretKey
                connection.certificate = saved.certificate
                connection.keySource = saved.source
            }
        case (let access?, nil): throw .usage("\(access.source) gives an access key, but the secret key is missing")
        case (nil, let secret?): throw .usage("\(secret.source) gives a secret key, but the access key is missing")
        }
        guard connection.certificate == nil || address.isSecure else {
            throw CommandFailure(
                "a certificate is shown over https only, and the server is \(address): give its https address with --url"
            )
        }
        return connection
    }

    private static func certificateFiles(_ invocation: Invocation) throws(CommandFailure) -> CertificateFiles? {
        let certificate = first(invocation, option: "client-certificate", variable: "DROVER_CLIENT_CERTIFICATE")
        let key = first(invocation, option: "client-key", variable: "DROVER_CLIENT_KEY")
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?):
            return CertificateFiles(
                certificate: invocation.path(certificate.text),
                key: invocation.path(key.text)
            )
        case (let certificate?, nil):
            throw .usage("\(certificate.source) gives a certificate, but its private key is missing (--client-key)")
        case (nil, let key?):
            throw .usage("\(key.source) gives a private key, but its certificate is missing (--client-certificate)")
        }
    }

    /// What a file remembers of a connection.
    struct Stored {
        var url: String
        var accessKey: String?
        var secretKey: String?
        var environment: String?
        var caFile: String?
        var certificate: CertificateFiles?
        var source: String
        /// Other addresses of the same server.
        var others: [String] = []
    }

    private static func first(
        _ invocation: Invocation,
        option: String,
        variable: String
    ) -> (text: String, source: String)? {
        if let text: String = invocation.arguments.value(option) { return (text, "--\(option)") }
        if let text: String = invocation.environment[variable], !text.isEmpty { return (text, variable) }
        return nil
    }

    private static func savedContext(_ invocation: Invocation) throws(CommandFailure) -> Stored? {
        guard let file: ContextFile = try .load(invocation.environment), let name: String = file.current,
            let context: ContextFile.Context = file.contexts[name]
        else { return nil }
        return Stored(
            url: context.url,
            accessKey: context.accessKey,
            secretKey: context.secretKey,
            environment: context.environment,
            caFile: context.caFile,
            certificate: context.certificate,
            source: "the context '\(name)'"
        )
    }

    /// Every node of a cluster takes the same key.
    private static func others(_ access: JSONObject) -> [String] {
        let nodes: [JSONValue] = access["nodes"]?.array ?? []
        return [access["httpsUrl"]?.string].compactMap { $0 }
            + nodes.flatMap { [$0["url"]?.string, $0["httpsUrl"]?.string].compactMap { $0 } }
    }

    private static func developmentCluster(_ invocation: Invocation) -> Stored? {
        let folders: [String] =
            [invocation.environment["DROVER_DATA"].map { invocation.path($0) }, invocation.path(".drover-dev")]
            .compactMap { $0 }
        for folder in folders {
            let path: String = "\(folder)/access.json"
            guard let text: String = TextFile.read(path), let access: JSONObject = try? JSONReader.parse(text).object,
                let url: String = access["url"]?.string
            else { continue }
            return Stored(
                url: url,
                accessKey: access["accessKey"]?.string,
                secretKey: access["secretKey"]?.string,
                environment: nil,
                caFile: access["caFile"]?.string,
                source: path,
                others: others(access)
            )
        }
        return nil
    }
}
