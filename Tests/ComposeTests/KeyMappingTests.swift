import JSON
import Testing

@testable import Compose

struct KeyMappingTests {
    static let simple: [(String, String, JSONValue)] = [
        ("hostname: h", "hostname", "h"), ("domainname: d.e", "domainName", "d.e"), ("user: 1000", "user", "1000"),
        ("working_dir: /w", "workingDir", "/w"), ("tty: yes", "tty", true), ("stdin_open: 'true'", "stdinOpen", true),
        ("privileged: false", "privileged", false), ("read_only: true", "readOnly", true),
        ("command: sh -c 'echo \"a b\"'", "command", ["sh", "-c", "echo \"a b\""]),
        ("command: [sleep, 10]", "command", ["sleep", "10"]), ("entrypoint: /run me", "entryPoint", ["/run", "me"]),
        ("expose: [80, \"53/udp\"]", "expose", ["80", "53/udp"]), ("cap_add: [NET_ADMIN]", "capAdd", ["NET_ADMIN"]),
        ("cap_drop: [ALL]", "capDrop", ["ALL"]), ("devices: [\"/dev/a:/dev/b:rwm\"]", "devices", ["/dev/a:/dev/b:rwm"]),
        ("dns: 8.8.8.8", "dns", ["8.8.8.8"]), ("dns: [8.8.8.8, 8.8.8.8, 1.1.1.1]", "dns", ["8.8.8.8", "1.1.1.1"]),
        ("mem_limit: 64m", "memory", 67_108_864), ("mem_limit: 1024", "memory", 1024),
        ("shm_size: 1g", "shmSize", 1_073_741_824),
        ("memswap_limit: -1", "memorySwap", -1), ("mem_reservation: 1.5k", "memoryReservation", 1536),
        ("mem_swappiness: 0", "memorySwappiness", 0), ("cpu_shares: \"512\"", "cpuShares", 512),
        ("cpuset: 0,1", "cpuSet", "0,1"),
        ("pid: host", "pidMode", "host"), ("ipc: host", "ipcMode", "host"),
        ("network_mode: host", "networkMode", "host"),
        ("oom_kill_disable: true", "oomKillDisable", true), ("oom_score_adj: -500", "oomScoreAdj", -500),
        ("sysctls: {net.core.somaxconn: 1024}", "sysctls", ["net.core.somaxconn": "1024"]),
        ("sysctls: [net.a=1]", "sysctls", ["net.a": "1"]), ("init: true", "runInit", true),
        ("stop_signal: SIGUSR1", "stopSignal", "SIGUSR1"), ("stop_grace_period: 1m30s", "stopTimeout", 90),
        ("tmpfs: /run", "tmpfs", ["/run": ""]),
        ("tmpfs: [\"/run:size=64m,uid=1\"]", "tmpfs", ["/run": "size=64m,uid=1"]),
        ("extra_hosts: {db: 10.0.0.5}", "extraHosts", ["db:10.0.0.5"]),
        ("extra_hosts: [\"db:10.0.0.5\"]", "extraHosts", ["db:10.0.0.5"]),
        ("labels: {a.b: 1, c: }", "labels", ["a.b": "1", "c": ""]),
        ("labels: [a=b=c, d]", "labels", ["a": "b=c", "d": ""]),
        ("environment: {A: on, B: 1.10}", "environment", ["A": "on", "B": "1.10"]),
        ("environment: [A=x y, B=]", "environment", ["A": "x y", "B": ""]),
        ("log_driver: syslog", "logConfig", ["driver": "syslog", "config": [:]]),
        (
            "logging: {driver: json-file, options: {max-size: 25m, max-file: 2}}", "logConfig",
            ["driver": "json-file", "config": ["max-size": "25m", "max-file": "2"]]
        ),
        (
            "ulimits: {nproc: 65535, nofile: {soft: 1, hard: 2}}", "ulimits",
            [["name": "nproc", "soft": 65535, "hard": 65535], ["name": "nofile", "soft": 1, "hard": 2]]
        ),
        ("device_read_bps: [\"/dev/sda:1m\"]", "blkioDeviceOptions", ["/dev/sda": ["readBps": 1_048_576]]),
        ("blkio_weight_device: [\"/dev/sda:300\"]", "blkioDeviceOptions", ["/dev/sda": ["weight": 300]]),
    ]

    @Test(arguments: simple)
    func `a key becomes its member`(line: String, member: String, value: JSONValue) throws {
        #expect(try launch(line)[member] == value)
    }

    @Test func `ports stay as they were written, also those that other readers take for times`() throws {
        let ports: String = "ports: [22:22, \"80:80\", 8080, 127.0.0.1:5353:53/udp, \"80:80\"]"
        #expect(try launch(ports)["ports"] == ["22:22", "80:80", "8080", "127.0.0.1:5353:53/udp"])
    }

    @Test func `host paths start from the folder of the file and names stay`() throws {
        let volumes: String = "volumes: [./data:/data, ../x:/x:ro, ~/y:/y, /etc/z:/z, named:/n, /anonymous]"
        #expect(
            try launch(volumes, variables: ["HOME": "/home/me"])["dataVolumes"] == [
                "/home/me/app/data:/data", "/home/me/x:/x:ro", "/home/me/y:/y", "/etc/z:/z", "named:/n", "/anonymous",
            ]
        )
    }

    @Test func `an env_file comes before environment, and keys without a value take the caller's`() throws {
        let keys: String = "env_file: [common.env]\nenvironment:\n  - B=over\n  - C"
        let files: [String: String] = ["/home/me/app/common.env": "# first\n\nA=1=2\r\nB=under\nD\n"]
        let environment = try launch(keys, variables: ["C": "c", "D": "d"], files: files)["environment"]
        #expect(environment == ["A": "1=2", "B": "over", "C": "c", "D": "d"])
        #expect(
            service("environment: [X]").found == [
                "docker-compose.yml:5: warning: 'X' has no value here and is not set in your environment: it is left out"
            ]
        )
        #expect(
            service("env_file: none.env").found == [
                "docker-compose.yml:5:15: error: the env_file 'none.env' cannot be read at /home/me/app/none.env"
            ]
        )
    }

    @Test func `version 1 services stand at the top and become the same`() throws {
        let one = project(
            "web:\n  image: nginx\n  net: host\n  log_driver: none\n  log_opt: {a: 1}\n  ports:\n  - 80:80\n"
        )
        #expect(one.found == [])
        #expect(
            try one.launch("web") == [
                "imageUuid": "docker:nginx", "networkMode": "host", "ports": ["80:80"],
                "logConfig": ["driver": "none", "config": ["a": "1"]],
            ]
        )
    }

    @Test func `rancher-compose adds scale and metadata`() throws {
        let both = project(
            "version: '2'\nservices:\n  web: {image: a}\n  all: {image: a, labels: {io.rancher.scheduler.global: 'true'}}\n",
            rancher: "version: '2'\nservices:\n  web:\n    scale: ${N}\n    metadata: {a: [1, x, true], b: {c: ~}}\n",
            variables: ["N": "3"]
        )
        #expect(both.found == [])
        let web: JSONObject = try #require(both.services.first?.service)
        #expect(web["scale"] == 3 && web["startOnCreate"] == true)
        #expect(web["metadata"] == ["a": [1, "x", true], "b": ["c": .null]])
        #expect(both.services.last?.service["scale"] == nil)
        #expect(project("web: {image: a}\n").services.first?.service["scale"] == 1)
    }

    @Test func `a rancher-compose of version 1 has services and a catalog block`() throws {
        let both = project("web:\n  image: a\n", rancher: ".catalog:\n  name: $x\nweb:\n  scale: 2\n")
        #expect(both.found == [])
        #expect(both.services.first?.service["scale"] == 2)
    }

    @Test func `later files add to lists and override the rest`() throws {
        let files: [ComposeFile] = [
            "web: {image: a, ports: [\"80:80\"], environment: {A: 1, B: 2}, volumes: [\"x:/d\"], command: a}",
            "web: {image: b, ports: [\"81:81\"], environment: [B=3], volumes: [\"y:/d\"]}\ndb: {image: c}",
        ].enumerated().map { ComposeFile(name: "\($0.offset).yml", text: $0.element, folder: "/", role: .docker) }
        let merged: ComposeProject = .read(files, variables: [:]) { _ in nil }
        #expect(merged.found == [])
        #expect(merged.services.map(\.name) == ["web", "db"])
        #expect(
            try merged.launch("web") == [
                "imageUuid": "docker:b", "ports": ["80:80", "81:81"], "environment": ["A": "1", "B": "3"],
                "dataVolumes": ["y:/d"], "command": ["a"],
            ]
        )
    }

    @Test func `services come after what they depend on`() throws {
        let text: String = """
            web: {image: a, links: ["db:d", "cache"]}
            cache: {image: a, depends_on: [db]}
            alone: {image: a}
            db: {image: a}
            """
        #expect(project(text).services.map(\.name) == ["db", "cache", "web", "alone"])
        let circle = project("a: {image: i, depends_on: [b]}\nb: {image: i, depends_on: [a]}")
        #expect(Set(circle.services.map(\.name)) == ["a", "b"])
        #expect(circle.found.contains { $0.contains("depend on each other") })
    }
}
