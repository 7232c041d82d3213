import EventLoop
import Glibc
import Subprocess
import TLS

/// A program of others with TLS towards clients that passes everything to one server of this machine in clear text, over
/// connections that stay.
final class ReverseProxy: Sendable {
    let name: String
    let place: ServerPlace
    private let child: ChildProcess

    /// All of its processes.
    var processes: [Int32] {
        let own: Int32 = child.processID
        let children: String = TextFile.read("/proc/\(own)/task/\(own)/children") ?? ""
        return [own] + children.split(separator: " ").compactMap { Int32($0) }
    }

    /// - Returns: nil where HAProxy is not installed.
    static func haproxy(in folder: String, to server: Int, _ certificates: BenchCertificates) async throws
        -> ReverseProxy?
    {
        guard let program: String = Programs.find("haproxy") else { return nil }
        let version: String = await Programs.version(program, ["-v"]) { text in
            text.split(separator: " ").first { $0.first?.isNumber == true }.map { word in
                String(word.prefix { $0 != "-" })
            }
        }
        let port: Int = try await Scratch.ports(1)[0]
        let file: String = "\(folder)/haproxy-passing.cfg"
        let text: String = """
            global
                maxconn 4096
            defaults
                mode http
                timeout connect 5s
                timeout client 60s
                timeout server 60s
                http-reuse always
            frontend passing
                bind 127.0.0.1:\(port) ssl crt \(BenchCertificates.folder(in: folder))/server-all.pem ssl-min-ver TLSv1.3
                default_backend server
            backend server
                server server 127.0.0.1:\(server)

            """
        try TextFile.write(Array(text.utf8), to: file)
        return try await start(
            "HAProxy \(version)",
            // -db: one process, in the foreground; as many threads as there are processors.
            SubprocessCommand(program, ["-db", "-f", file], environment: ["PATH": Programs.path]),
            ServerPlace(port: port, tls: try certificates.clientContext()),
            log: "\(folder)/haproxy-passing.log"
        )
    }

    /// - Returns: nil where nginx is not installed.
    static func nginx(in folder: String, to server: Int, _ certificates: BenchCertificates) async throws
        -> ReverseProxy?
    {
        guard let program: String = Programs.find("nginx") else { return nil }
        let version: String = await Programs.version(program, ["-v"]) { text in
            text.split(separator: "/").last.map { String($0.prefix { $0.isNumber || $0 == "." }) }
        }
        let port: Int = try await Scratch.ports(1)[0]
        let base: String = "\(folder)/nginx"
        mkdir(base, 0o700)
        let pem: String = "\(BenchCertificates.folder(in: folder))/server"
        // Its own user is the one who runs this; what it would keep on disk stays below the folder of the run.
        let text: String = """
            \(getuid() == 0 ? "user root;" : "")
            worker_processes auto;
            daemon off;
            pid \(base)/nginx.pid;
            error_log \(base)/error.log warn;
            events { worker_connections 4096; }
            http {
                access_log off;
                client_body_temp_path \(base)/body;
                proxy_temp_path \(base)/proxy;
                fastcgi_temp_path \(base)/fastcgi;
                uwsgi_temp_path \(base)/uwsgi;
                scgi_temp_path \(base)/scgi;
                client_max_body_size 0;
                keepalive_requests 100000000;
                upstream server { server 127.0.0.1:\(server); keepalive 512; keepalive_requests 100000000; }
                server {
                    listen 127.0.0.1:\(port) ssl;
                    ssl_certificate \(pem).pem;
                    ssl_certificate_key \(pem).key;
                    ssl_protocols TLSv1.3;
                    location / {
                        proxy_pass http://server;
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                        proxy_request_buffering off;
                        proxy_buffering off;
                    }
                }
            }

            """
        let file: String = "\(base)/nginx.conf"
        try TextFile.write(Array(text.utf8), to: file)
        return try await start(
            "nginx \(version)",
            SubprocessCommand(
                program,
                ["-p", base, "-c", file, "-e", "\(base)/error.log"],
                environment: ["PATH": Programs.path]
            ),
            ServerPlace(port: port, tls: try certificates.clientContext()),
            log: "\(base)/out.log"
        )
    }

    private static func start(
        _ name: String,
        _ command: SubprocessCommand,
        _ place: ServerPlace,
        log: String
    ) async throws -> ReverseProxy {
        let child: ChildProcess = try ChildProcess.spawn(
            command,
            standardOutput: .appendTo(log),
            standardError: .appendTo(log)
        )
        let proxy = ReverseProxy(name, place, child)
        let loop: EventLoop = try EventLoop.start()
        do {
            try await Patience.wait(seconds: 20, for: "\(name) to listen; its log is \(log)") {
                guard child.status == nil else {
                    throw BenchFault("\(name) ended: \(TextFile.read(log) ?? "it said nothing")")
                }
                let stream = try? await loop.connect(
                    host: "127.0.0.1",
                    port: place.port,
                    before: .after(seconds: 1)
                )
                stream?.close()
                return stream != nil
            }
        } catch {
            await loop.stop()
            await proxy.end()
            throw error
        }
        await loop.stop()
        return proxy
    }

    private init(_ name: String, _ place: ServerPlace, _ child: ChildProcess) {
        self.name = name
        self.place = place
        self.child = child
    }

    func end() async {
        let child: ChildProcess = child
        await Task.detached { _ = await child.stop(grace: .seconds(2)) }.value
    }
}
