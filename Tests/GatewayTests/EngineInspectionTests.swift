@testable import Gateway
import JSON
import Testing

/// `scripts/transform`: what command lines ask before they create a service.
@Suite struct EngineInspectionTests {
    static let table: [(JSONValue, String, JSONValue)] = [
        (["Name": "/web"], "name", "web"),
        (["Name": "/web", "Config": ["Labels": ["io.rancher.container.display_name": "shown"]]], "name", "shown"),
        (["Id": "abc"], "externalId", "abc"),
        (["Config": ["Image": "nginx:1"]], "imageUuid", "docker:nginx:1"),
        (["Config": ["Image": "docker:nginx:1"]], "imageUuid", "docker:nginx:1"),
        (["Config": ["Image": ""]], "imageUuid", nil),
        (["Config": ["Env": ["A=1", "B=x=y", "C"]]], "environment", ["A": "1", "B": "x=y", "C": ""]),
        (["Config": ["Cmd": ["sh", "-c", "true"]]], "command", ["sh", "-c", "true"]),
        ([:], "command", []),
        (["Config": ["Labels": ["a": nil, "b": "c"]]], "labels", ["a": "", "b": "c"]),
        (
            ["Config": ["Volumes": ["/data": [:]]], "HostConfig": ["Binds": ["/a:/b:ro"]]], "dataVolumes",
            ["/data", "/a:/b:ro"]
        ),
        (
            [
                "Config": ["ExposedPorts": ["80/tcp": [:], "53/udp": [:], "9/tcp": [:], "7/tcp": [:]]],
                "HostConfig": [
                    "PortBindings": [
                        "80/tcp": [["HostIp": "", "HostPort": "8080"], ["HostIp": "127.0.0.1", "HostPort": "8081"]],
                        "53/udp": [["HostPort": ""]], "9/tcp": [["HostIp": "0.0.0.0", "HostPort": "9"]],
                    ]
                ],
            ], "ports", ["8080:80/tcp", "127.0.0.1:8081:80/tcp", "53/udp", "9:9/tcp"]
        ),
        (
            [
                "HostConfig": [
                    "Devices": [
                        ["PathOnHost": "/dev/a", "PathInContainer": "/dev/b"],
                        ["PathOnHost": "/dev/c", "PathInContainer": "/dev/c", "CgroupPermissions": "r"],
                    ]
                ]
            ], "devices", ["/dev/a:/dev/b:rwm", "/dev/c:/dev/c:r"]
        ),
        (
            ["HostConfig": ["Ulimits": [["Name": "nofile", "Soft": 10, "Hard": 20]]]], "ulimits",
            [["name": "nofile", "soft": 10, "hard": 20]]
        ),
        (
            [
                "HostConfig": [
                    "BlkioWeightDevice": [["Path": "/dev/sda", "Weight": 5]],
                    "BlkioDeviceReadBps": [["Path": "/dev/sda", "Rate": 9]],
                    "BlkioDeviceWriteIOps": [["Path": "/dev/sdb", "Rate": 3]],
                ]
            ], "blkioDeviceOptions", ["/dev/sda": ["weight": 5, "readBps": 9], "/dev/sdb": ["writeIops": 3]]
        ),
        ([:], "logConfig", ["driver": nil, "config": [:]]),
        (
            ["HostConfig": ["LogConfig": ["Type": "syslog", "Config": ["tag": "x"]]]], "logConfig",
            ["driver": "syslog", "config": ["tag": "x"]]
        ),
        (["HostConfig": ["RestartPolicy": ["Name": ""]]], "restartPolicy", nil),
        (
            ["HostConfig": ["RestartPolicy": ["Name": "on-failure", "MaximumRetryCount": 3]]], "restartPolicy",
            ["name": "on-failure", "maximumRetryCount": 3]
        ),
        (["Config": ["Memory": 1], "HostConfig": ["Memory": 2]], "memory", 2),
        (["Config": ["Memory": 1], "HostConfig": ["Memory": 0]], "memory", 1),
        (["HostConfig": ["ReadonlyRootfs": true]], "readOnly", true),
        (["Config": ["OpenStdin": true]], "stdinOpen", true),
        (["HostConfig": ["Tmpfs": ["/run": "rw"]]], "tmpfs", ["/run": "rw"]),
        (["HostConfig": ["DnsOptions": ["ndots:1"]]], "dnsOpt", ["ndots:1"]),
        (["Config": ["Healthcheck": ["Test": ["CMD", "x"], "Interval": 5]]], "healthCmd", ["CMD", "x"]),
        (["Config": ["Healthcheck": ["Interval": 5]]], "healthInterval", 5),
        ([:], "networkMode", "bridge"), (["HostConfig": ["NetworkMode": "default"]], "networkMode", "bridge"),
        (["HostConfig": ["NetworkMode": "host"]], "networkMode", "host"),
        (["Config": ["NetworkDisabled": true], "HostConfig": ["NetworkMode": "host"]], "networkMode", "none"),
        (["Config": "nonsense", "HostConfig": [1, 2]], "kind", "container"),
        (["HostConfig": ["CapAdd": ["NET_ADMIN", 7]]], "capAdd", ["NET_ADMIN"]),
    ]

    @Test(arguments: table)
    func `each member is what the engine's says`(inspected: JSONValue, member: String, value: JSONValue) async {
        let answer: Answer = await World().post("\(World.home)/scripts/transform", inspected, as: .bob)
        #expect(answer.status == 200, "\(answer)")
        #expect(answer[member] == value)
    }

    @Test(arguments: ["container:other", "my-network"])
    func `a network of one engine is refused`(mode: String) async {
        let answer: Answer = await World().post(
            "\(World.home)/scripts/transform",
            ["HostConfig": ["NetworkMode": .string(mode)]],
            as: .bob
        )
        #expect(answer.code == "InvalidOption" && answer.field == "networkMode")
    }

    @Test func `it is for whoever has a key, at the root and in environments, and changes nothing`() async {
        let world = World()
        #expect(await world.post("/v2-beta/scripts/transform", ["Name": "/a"], as: .admin)["name"] == "a")
        #expect(await world.post("/v2-beta/scripts/transform", as: .nobody).status == 401)
        #expect(await world.post("\(World.home)/scripts/transform", as: .eve).status == 403)
        #expect(await world.post("\(World.home)/scripts/other", as: .bob).status == 404)
        #expect(await world.get("\(World.home)/scripts/transform", as: .bob).status == 405)
        let broken: Answer = await world.send("POST", "\(World.home)/scripts/transform", as: .bob, body: [0x7B])
        #expect(broken.code == "InvalidBodyContent")
        #expect(world.node.changes.isEmpty)
    }
}
