import Glibc
import Subprocess
import TLS

/// HAProxy with TLS towards clients and TLS towards one node of ours: one door that passes everything, one with rules.
final class HAProxy: Sendable {
    let name: String
    /// Passes everything on.
    let plain: ServerPlace
    /// Wants a key, and a path and a method that the key may use.
    let guarded: ServerPlace
    private let child: ChildProcess

    var process: Int32 { child.processID }

    /// - Parameters:
    ///   - backend: the port of the node.
    ///   - authorityFile: whose certificate the node must have.
    /// - Returns: nil where HAProxy is not installed.
    static func start(
        in folder: String,
        backend: Int,
        authorityFile: String,
        key: (name: String, secret: String),
        certificates: BenchCertificates
    ) async throws -> HAProxy? {
        guard let program: String = Programs.find("haproxy") else { return nil }
        let version: String = await Programs.version(program, ["-v"]) { text in
            text.split(separator: " ").first { $0.first?.isNumber == true }.map { word in
                String(word.prefix { $0 != "-" })
            }
        }
        let ports: [Int] = try await Scratch.ports(2)
        let pem: String = "\(BenchCertificates.folder(in: folder))/server-all.pem"
        let text: String = configuration(ports, pem, backend, authorityFile, key)
        let file: String = "\(folder)/haproxy.cfg"
        try TextFile.write(Array(text.utf8), to: file)
        let log: String = "\(folder)/haproxy.log"
        let child: ChildProcess = try ChildProcess.spawn(
            // -db: one process, in the foreground; as many threads as there are processors.
            SubprocessCommand(program, ["-db", "-f", file], environment: ["PATH": Programs.path]),
            standardOutput: .appendTo(log),
            standardError: .appendTo(log)
        )
        let tls: TLSClientContext = try certificates.clientContext()
        let made = HAProxy(
            "HAProxy \(version)",
            ServerPlace(port: ports[0], tls: tls),
            ServerPlace(port: ports[1], tls: tls),
            child
        )
        // What it refuses in its configuration it says at once, and ends.
        try await Task.sleep(for: .milliseconds(300))
        guard child.status == nil else {
            throw BenchFault("HAProxy ended: \(TextFile.read(log) ?? "it said nothing")")
        }
        return made
    }

    private init(_ name: String, _ plain: ServerPlace, _ guarded: ServerPlace, _ child: ChildProcess) {
        self.name = name
        self.plain = plain
        self.guarded = guarded
        self.child = child
    }

    func end() async {
        let child: ChildProcess = child
        await Task.detached { _ = await child.stop(grace: .seconds(2)) }.value
    }

    /// Passwords are kept in clear text: hashed ones cost HAProxy a hash of thousands of rounds for each request.
    private static func configuration(
        _ ports: [Int],
        _ pem: String,
        _ backend: Int,
        _ authorityFile: String,
        _ key: (name: String, secret: String)
    ) -> String {
        """
        global
            maxconn 4096
        defaults
            mode http
            timeout connect 5s
            timeout client 60s
            timeout server 60s
            http-reuse always
        userlist keys
            user \(key.name) insecure-password \(key.secret)
        frontend plain
            bind 127.0.0.1:\(ports[0]) ssl crt \(pem) ssl-min-ver TLSv1.3
            default_backend node
        frontend guarded
            bind 127.0.0.1:\(ports[1]) ssl crt \(pem) ssl-min-ver TLSv1.3
            acl known http_auth(keys)
            acl own path_beg /v2-beta/projects/\(DroverCluster.project)/
            acl reading method GET HEAD
            acl changing method POST PUT DELETE
            acl volume path_sub /volumes/
            http-request auth realm drover unless known
            http-request deny deny_status 404 unless own
            http-request deny deny_status 405 unless reading or changing
            http-request deny deny_status 403 if changing !volume
            default_backend node
        backend node
            server node 127.0.0.1:\(backend) ssl verify required ca-file \(authorityFile) ssl-min-ver TLSv1.3

        """
    }
}
