import HostProtocol
import JSON

enum Samples {
    static let stamp = FrameStamp(incarnation: "9f3a", epoch: 7, revision: 1042)

    static let spec = InstanceSpec(
        uuid: "0f6c2a9e-1111-4222-8333-444455556666",
        number: 42,
        name: "web-app-1",
        goal: .running,
        generation: 3,
        revision: 1040,
        launch: [
            "imageUuid": "docker:nginx:1.25", "command": ["nginx", "-g", "daemon off;"],
            "environment": ["MODE": "live"], "ports": ["8080:80/tcp"], "memory": 67_108_864, "newMember": [1, nil],
        ]
    )

    static let tombstone = Tombstone(
        uuid: "aaaa0000-1111-4222-8333-444455556666",
        number: 41,
        generation: 2,
        revision: 1041
    )

    static let observation = Observation(
        uuid: "0f6c2a9e-1111-4222-8333-444455556666",
        number: 42,
        generation: 3,
        condition: .running,
        externalID: "deadbeef",
        message: nil,
        exitCode: nil,
        startCount: 2,
        primaryIPAddress: "172.17.0.3",
        startedAt: "2026-01-02T03:04:05Z"
    )

    static let facts = HostFacts(
        hostUUID: "h-1",
        agentVersion: "0.1",
        runtime: "simulated",
        hostname: "alpha",
        address: "127.1.0.2",
        labels: ["zone": "b", "disk": "ssd"],
        memory: 1 << 30,
        milliCPU: 2000,
        localStorageMB: 4096,
        info: ["osInfo": ["kernelVersion": "6.1"]]
    )

    static let fromServer: [(String, ServerFrame)] = [
        (
            #"{"v":1,"type":"welcome","incarnation":"9f3a","epoch":7,"revision":1042,"hostId":"1h3","hostNumber":3,"pingSeconds":5}"#,
            ServerFrame(stamp, .welcome(Welcome(hostID: "1h3", hostNumber: 3, pingSeconds: 5)))
        ),
        (
            #"{"v":1,"type":"sync","incarnation":"9f3a","epoch":7,"revision":1042,"full":true,"since":0,"part":0,"last":true,"instances":[{"uuid":"0f6c2a9e-1111-4222-8333-444455556666","number":42,"name":"web-app-1","goal":"running","generation":3,"revision":1040,"launch":{"imageUuid":"docker:nginx:1.25","command":["nginx","-g","daemon off;"],"environment":{"MODE":"live"},"ports":["8080:80/tcp"],"memory":67108864,"newMember":[1,null]}}],"tombstones":[{"uuid":"aaaa0000-1111-4222-8333-444455556666","number":41,"generation":2,"revision":1041}]}"#,
            ServerFrame(stamp, .sync(Sync(isFull: true, instances: [spec], tombstones: [tombstone])))
        ),
        (
            #"{"v":1,"type":"logs","incarnation":"9f3a","epoch":7,"revision":1042,"stream":5,"uuid":"u1","follow":true,"lines":100,"timestamps":false,"since":1700000000}"#,
            ServerFrame(
                stamp,
                .logs(LogsRequest(stream: 5, uuid: "u1", follow: true, lines: 100, since: 1_700_000_000))
            )
        ),
        (
            #"{"v":1,"type":"logs","incarnation":"9f3a","epoch":7,"revision":1042,"stream":6,"uuid":"u1","follow":true,"timestamps":true,"credit":262144}"#,
            ServerFrame(
                stamp,
                .logs(LogsRequest(stream: 6, uuid: "u1", follow: true, timestamps: true, credit: 262_144))
            )
        ),
        (
            #"{"v":1,"type":"execute","incarnation":"9f3a","epoch":7,"revision":1042,"stream":7,"uuid":"u1","command":["sh","-c","stty size"],"tty":true,"input":true,"columns":120,"rows":40,"credit":262144}"#,
            ServerFrame(
                stamp,
                .execute(
                    ExecOrder(
                        stream: 7,
                        uuid: "u1",
                        command: ["sh", "-c", "stty size"],
                        isTerminal: true,
                        hasInput: true,
                        columns: 120,
                        rows: 40,
                        credit: 262_144
                    )
                )
            )
        ),
        (
            #"{"v":1,"type":"execute","incarnation":"9f3a","epoch":7,"revision":1042,"stream":8,"uuid":"u1","command":["date"],"tty":false,"input":false,"credit":1000}"#,
            ServerFrame(stamp, .execute(ExecOrder(stream: 8, uuid: "u1", command: ["date"], credit: 1000)))
        ),
        (
            #"{"v":1,"type":"input","incarnation":"9f3a","epoch":7,"revision":1042,"stream":7,"bytes":"aGkK","last":true}"#,
            ServerFrame(stamp, .input(ExecInput(stream: 7, bytes: Array("hi\n".utf8), isLast: true)))
        ),
        (
            #"{"v":1,"type":"resize","incarnation":"9f3a","epoch":7,"revision":1042,"stream":7,"columns":80,"rows":24}"#,
            ServerFrame(stamp, .resize(ExecResize(stream: 7, columns: 80, rows: 24)))
        ),
        (
            #"{"v":1,"type":"credit","incarnation":"9f3a","epoch":7,"revision":1042,"stream":7,"bytes":65536}"#,
            ServerFrame(stamp, .credit(StreamCredit(stream: 7, bytes: 65_536)))
        ),
        (
            #"{"v":1,"type":"cancel","incarnation":"9f3a","epoch":7,"revision":1042,"stream":5}"#,
            ServerFrame(stamp, .cancel(stream: 5))
        ),
        (
            #"{"v":1,"type":"ping","incarnation":"9f3a","epoch":7,"revision":1042}"#, ServerFrame(stamp, .ping)
        ),
        (
            #"{"v":1,"type":"welcome","incarnation":"9f3a","epoch":7,"revision":1042,"hostId":"1h3","hostNumber":3,"pingSeconds":5,"servers":["http://10.0.0.1:8080","https://10.0.0.1:8443"]}"#,
            ServerFrame(
                stamp,
                .welcome(
                    Welcome(
                        hostID: "1h3",
                        hostNumber: 3,
                        pingSeconds: 5,
                        servers: ["http://10.0.0.1:8080", "https://10.0.0.1:8443"]
                    )
                )
            )
        ),
        (
            #"{"v":1,"type":"servers","incarnation":"9f3a","epoch":7,"revision":1042,"servers":["https://b:1"]}"#,
            ServerFrame(stamp, .servers(["https://b:1"]))
        ),
        (
            #"{"v":1,"type":"moved","incarnation":"9f3a","epoch":7,"revision":1042,"withinMilliseconds":2000}"#,
            ServerFrame(stamp, .moved(withinMilliseconds: 2_000))
        ),
    ]

    static let fromAgent: [(String, AgentFrame)] = [
        (
            #"{"v":1,"type":"hello","incarnation":"9f3a","epoch":7,"revision":1042,"hostUuid":"h-1","agentVersion":"0.1","runtime":"simulated","hostname":"alpha","address":"127.1.0.2","labels":{"disk":"ssd","zone":"b"},"memory":1073741824,"milliCpu":2000,"localStorageMb":4096,"info":{"osInfo":{"kernelVersion":"6.1"}},"knownIncarnation":"9f3a","knownEpoch":7,"knownRevision":1042}"#,
            AgentFrame(
                stamp,
                .hello(Hello(facts: facts, knownIncarnation: "9f3a", knownEpoch: 7, knownRevision: 1042))
            )
        ),
        (
            #"{"v":1,"type":"report","incarnation":"9f3a","epoch":7,"revision":1042,"full":true,"part":0,"last":true,"observations":[{"uuid":"0f6c2a9e-1111-4222-8333-444455556666","number":42,"generation":3,"condition":"running","externalId":"deadbeef","startCount":2,"primaryIpAddress":"172.17.0.3","startedAt":"2026-01-02T03:04:05Z"}],"orphans":[{"externalId":"c0ffee","name":"old","uuid":"u9"}]}"#,
            AgentFrame(
                stamp,
                .report(
                    Report(
                        isFull: true,
                        observations: [observation],
                        orphans: [Orphan(externalID: "c0ffee", name: "old", uuid: "u9")]
                    )
                )
            )
        ),
        (
            #"{"v":1,"type":"report","incarnation":"9f3a","epoch":7,"revision":1042,"full":false,"part":0,"last":true,"observations":[{"uuid":"u1","number":1,"generation":1,"condition":"stopped","message":"exited with code 3","exitCode":3,"startCount":1}]}"#,
            AgentFrame(
                stamp,
                .report(
                    Report(
                        isFull: false,
                        observations: [
                            Observation(
                                uuid: "u1",
                                number: 1,
                                generation: 1,
                                condition: .stopped,
                                message: "exited with code 3",
                                exitCode: 3,
                                startCount: 1
                            )
                        ]
                    )
                )
            )
        ),
        (
            #"{"v":1,"type":"log","incarnation":"9f3a","epoch":7,"revision":1042,"stream":5,"kind":"stderr","bytes":"aGkK","time":"2026-01-02T03:04:05Z"}"#,
            AgentFrame(
                stamp,
                .log(LogChunk(stream: 5, kind: .stderr, bytes: Array("hi\n".utf8), time: "2026-01-02T03:04:05Z"))
            )
        ),
        (
            #"{"v":1,"type":"logEnd","incarnation":"9f3a","epoch":7,"revision":1042,"stream":5,"error":"no container"}"#,
            AgentFrame(stamp, .logEnd(LogEnd(stream: 5, error: "no container")))
        ),
        (
            #"{"v":1,"type":"credit","incarnation":"9f3a","epoch":7,"revision":1042,"stream":7,"bytes":0}"#,
            AgentFrame(stamp, .credit(StreamCredit(stream: 7, bytes: 0)))
        ),
        (
            #"{"v":1,"type":"exit","incarnation":"9f3a","epoch":7,"revision":1042,"stream":7,"code":127}"#,
            AgentFrame(stamp, .exit(ExecExit(stream: 7, code: 127)))
        ),
        (
            #"{"v":1,"type":"exit","incarnation":"9f3a","epoch":7,"revision":1042,"stream":8,"error":"not running"}"#,
            AgentFrame(stamp, .exit(ExecExit(stream: 8, code: nil, error: "not running")))
        ),
        (
            #"{"v":1,"type":"pong","incarnation":"9f3a","epoch":7,"revision":1042}"#, AgentFrame(stamp, .pong)
        ),
    ]
}
