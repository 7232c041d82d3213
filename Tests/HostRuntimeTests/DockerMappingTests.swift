import HostAgentCore
import HostProtocol
import JSON
import Testing

@testable import HostRuntime

struct DockerMappingTests {
    @Test func `a launch configuration becomes the engine's document, member by member`() throws {
        let spec = InstanceSpec(
            uuid: "u-1",
            number: 42,
            name: "web",
            goal: .running,
            generation: 1,
            revision: 1,
            launch: [
                "imageUuid": "docker:nginx:1.25", "command": ["run", "me"], "entryPoint": ["/init"],
                "environment": ["A": "1", "B": 2], "labels": ["mine": "yes", "io.drover.host.uuid": "stolen"],
                "ports": ["8080:80/tcp", "10.0.0.1:53:53/udp", "9000"], "expose": ["7000"],
                "dataVolumes": ["/data", "named:/var/lib:ro"], "workingDir": "/srv", "user": "nobody",
                "hostname": "box", "domainName": "example.org", "networkMode": "managed", "tty": true,
                "stdinOpen": false, "privileged": true, "readOnly": true, "memory": "67108864", "memorySwap": -1,
                "cpuShares": 512, "cpuSet": "0,1", "capAdd": ["NET_ADMIN"], "capDrop": ["ALL"], "dns": ["9.9.9.9"],
                "dnsSearch": ["example.org"], "extraHosts": ["db:10.0.0.2"],
                "ulimits": [["name": "nofile", "soft": 10, "hard": 20], ["name": "nproc", "soft": 5]],
                "logConfig": ["driver": "json-file", "config": ["max-size": "1m"]], "tmpfs": ["/run": "size=1m"],
                "sysctls": ["net.core.somaxconn": "1024"], "shmSize": 1024,
                "devices": ["/dev/null:/dev/zero:r", "/dev/fuse"],
                "securityOpt": ["no-new-privileges"], "stopSignal": "SIGQUIT", "stopTimeout": 3, "pidMode": "host",
                "runInit": true, "blkioDeviceOptions": ["/dev/sda": ["readBps": 1000, "weight": 300]],
                "restartPolicy": ["name": "on-failure", "maximumRetryCount": 4], "secrets": [], "requestedHostId": 1,
            ]
        )
        let body: JSONValue = try DockerCreateBody.make(spec, hostUUID: "h-1", address: "127.1.0.2")
        let wanted: JSONValue = [
            "Image": "nginx:1.25", "Cmd": ["run", "me"], "Entrypoint": ["/init"], "Env": ["A=1", "B=2"],
            "WorkingDir": "/srv", "User": "nobody", "Hostname": "box", "Domainname": "example.org", "Tty": true,
            "OpenStdin": false, "StopSignal": "SIGQUIT", "StopTimeout": 3,
            "Labels": [
                "mine": "yes", "io.drover.host.uuid": "h-1", "io.drover.instance.uuid": "u-1",
                "io.drover.instance.number": "42",
            ],
            "ExposedPorts": ["80/tcp": [:], "53/udp": [:], "9000/tcp": [:], "7000/tcp": [:]],
            "Volumes": ["/data": [:]],
            "HostConfig": [
                "PortBindings": [
                    "80/tcp": [["HostIp": "127.1.0.2", "HostPort": "8080"]],
                    "53/udp": [["HostIp": "10.0.0.1", "HostPort": "53"]],
                ],
                "Binds": ["named:/var/lib:ro"], "Tmpfs": ["/run": "size=1m"], "NetworkMode": "default",
                "Dns": ["9.9.9.9"], "DnsSearch": ["example.org"], "ExtraHosts": ["db:10.0.0.2"], "Memory": 67_108_864,
                "MemorySwap": -1, "ShmSize": 1024, "CpuShares": 512, "CpusetCpus": "0,1",
                "Ulimits": [
                    ["Name": "nofile", "Soft": 10, "Hard": 20], ["Name": "nproc", "Soft": 5, "Hard": 5],
                ],
                "BlkioDeviceReadBps": [["Path": "/dev/sda", "Rate": 1000]],
                "BlkioWeightDevice": [["Path": "/dev/sda", "Weight": 300]],
                "Privileged": true, "ReadonlyRootfs": true, "Init": true, "CapAdd": ["NET_ADMIN"], "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"], "PidMode": "host", "Sysctls": ["net.core.somaxconn": "1024"],
                "Devices": [
                    ["PathOnHost": "/dev/null", "PathInContainer": "/dev/zero", "CgroupPermissions": "r"],
                    ["PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"],
                ],
                "LogConfig": ["Type": "json-file", "Config": ["max-size": "1m"]],
                "RestartPolicy": ["Name": "on-failure", "MaximumRetryCount": 4],
            ],
        ]
        #expect(body == wanted, "\(JSONWriter.pretty(body))")
    }

    @Test func `what this agent cannot carry out is refused by name, not left out`() {
        for member in ["secrets", "dataVolumesFrom", "networkContainerId"] {
            var spec: InstanceSpec = spec("u", image: "docker:x")
            spec.launch[member] = ["x"]
            #expect(throws: OperationFailure.self) {
                try DockerCreateBody.make(spec, hostUUID: "h", address: "127.0.0.1")
            }
        }
        let badPort: InstanceSpec = spec("u", image: "docker:x", ports: ["99999:80"])
        #expect(throws: OperationFailure.self) {
            try DockerCreateBody.make(badPort, hostUUID: "h", address: "127.0.0.1")
        }
    }

    @Test(
        arguments: [
            ("busybox", "busybox", "latest"), ("a/b:1", "a/b", "1"), ("reg:5000/a/b", "reg:5000/a/b", "latest"),
            ("reg:5000/a/b:2", "reg:5000/a/b", "2"), ("a@sha256:00", "a@sha256:00", nil),
        ] as [(String, String, String?)]
    )
    func `an image's reference is taken apart`(reference: String, name: String, tag: String?) {
        #expect(DockerImage(reference).name == name)
        #expect(DockerImage(reference).tag == tag)
    }

    @Test func `an engine's name carries the instance, the host and the instance's uuid`() {
        #expect(
            DockerName.make(instanceName: "web-1", hostUUID: "0123456789", instanceUUID: "abcdefghij")
                == "web-1.01234567.abcdefgh"
        )
        #expect(DockerName.make(instanceName: "-ä b", hostUUID: "h", instanceUUID: "u") == "i-___b.h.u")
    }

    @Test(arguments: [
        ("x: Bind for 127.1.0.2:8099 failed: port is already allocated", "127.1.0.2", 8099, "tcp"),
        ("proxy: listen tcp4 127.1.0.2:8098: bind: address already in use", "127.1.0.2", 8098, "tcp"),
        ("listen udp4 0.0.0.0:53: bind: address already in use", "0.0.0.0", 53, "udp"),
        ("listen tcp6 [::]:80: bind: address already in use", "[::]", 80, "tcp"),
    ])
    func `the engine's ways to say that a port is taken are understood`(
        message: String,
        address: String,
        port: Int,
        transport: String
    ) {
        #expect(
            DockerPortHolder.parse(message)
                == DockerPortHolder.TakenPort(address: address, port: port, transport: transport)
        )
    }

    @Test func `other errors are not taken for a taken port`() {
        #expect(DockerPortHolder.parse("no such image for 1:2") == nil)
    }
}
