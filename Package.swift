// swift-tools-version: 6.2
import PackageDescription

// No package dependencies, ever: Foundation, Dispatch, Glibc and the system libraries below.
// One target per wall: what a target does not list here, the compiler does not let it import.

/// What every Swift target is compiled with.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// A room of the house: its folder under `Sources/` and the rooms below it that it may know.
struct Room {
    var name: String
    var folder: String
    var knows: [String]
    /// What its tests may use besides itself; nil for a room without a test target.
    var testsKnow: [String]?
    /// Files of its tests that are read, not compiled.
    var testsRead: [String] = []

    init(
        _ name: String,
        _ folder: String? = nil,
        knows: [String] = [],
        testsKnow: [String]? = [],
        testsRead: [String] = []
    ) {
        self.name = name
        self.folder = folder ?? name
        self.knows = knows
        self.testsKnow = testsKnow
        self.testsRead = testsRead
    }
}

let rooms: [Room] = [
    // Platform. The first group is pure: bytes in, values out, no system call.
    Room("Bytes", "Platform/Bytes"),
    Room("JSON", "Platform/JSON", knows: ["Bytes"]),
    Room("Limits", "Platform/Limits", testsKnow: nil),
    Room("YAML", "Platform/YAML", knows: ["CYAML", "Limits"]),
    Room("Crypto", "Platform/Crypto", knows: ["COpenSSL", "Bytes"]),
    Room("Logging", "Platform/Logging", knows: ["JSON", "Limits"]),
    Room("Metrics", "Platform/Metrics", knows: ["Limits"]),
    Room("EventLoop", "Platform/EventLoop", knows: ["CLinux", "Bytes", "Limits"]),
    Room("HTTP2", "Platform/HTTP2", knows: ["CNghttp2", "Limits"]),
    Room(
        "HTTP",
        "Platform/HTTP",
        knows: ["HTTP2", "EventLoop", "Bytes", "Limits"],
        testsKnow: ["CNghttp2"]
    ),
    Room("WebSocket", "Platform/WebSocket", knows: ["HTTP", "EventLoop", "Crypto", "Bytes", "Limits"]),
    Room(
        "Certificates",
        "Platform/Certificates",
        knows: ["COpenSSL", "Bytes", "Crypto", "Limits"],
        testsKnow: ["Subprocess"]
    ),
    Room(
        "TLS",
        "Platform/TLS",
        knows: ["COpenSSL", "Certificates", "EventLoop", "Bytes", "Crypto", "Limits"],
        testsKnow: ["HTTP", "WebSocket", "Subprocess"]
    ),
    Room("SQLite", "Platform/SQLite", knows: ["CSQLite", "Limits"]),
    Room("Subprocess", "Platform/Subprocess", knows: ["CLinux", "Limits"]),

    // The vocabulary, and the pure rooms.
    Room("StoreFormat", "Store/Format", knows: ["Bytes", "Limits"], testsRead: ["Golden"]),
    Room("Model", knows: ["StoreFormat", "Bytes", "JSON", "Limits"]),
    Room("Network", knows: ["Model"]),
    Room("Scheduler", knows: ["Model", "Network"]),
    Room("RBAC", knows: ["Model", "JSON"]),
    Room("Federation", knows: ["Model", "JSON", "Limits"]),

    // Consensus and the replicated state.
    Room("RaftCore", "Raft/Core", testsRead: ["Scripts"]),
    Room(
        "RaftLog",
        "Raft/Log",
        knows: ["RaftCore", "Bytes", "CLinux", "Limits"],
        testsKnow: []
    ),
    Room("RaftGroup", "Raft/Group", knows: ["RaftCore", "RaftLog", "Bytes", "Crypto", "Logging", "Metrics", "Limits"]),
    Room(
        "RaftTransport",
        "Raft/Transport",
        knows: ["RaftCore", "RaftLog", "RaftGroup", "EventLoop", "Bytes", "JSON", "Logging", "Metrics", "Limits"],
        testsRead: ["Golden"]
    ),
    Room(
        "Store",
        "Store/State",
        knows: ["StoreFormat", "SQLite", "Bytes", "Crypto", "Logging", "Limits"],
        testsKnow: []
    ),

    // Hosts.
    Room("HostProtocol", "HostAgent/Protocol", knows: ["JSON", "Bytes", "Limits"]),
    Room("HostAgentCore", "HostAgent/Core", knows: ["HostProtocol", "JSON", "Limits"]),
    Room(
        "HostRuntime",
        "HostAgent/Runtime",
        knows: [
            "HostAgentCore", "HostProtocol", "Model", "HTTP", "EventLoop", "JSON", "Bytes", "Crypto", "Logging",
            "Limits", "Subprocess", "CLinux",
        ],
        testsKnow: ["drover"]
    ),
    Room(
        "HostAgent",
        "HostAgent/Agent",
        knows: [
            "HostAgentCore", "HostRuntime", "HostProtocol", "HTTP", "WebSocket", "EventLoop", "TLS", "Certificates",
            "JSON", "Bytes", "Logging", "Limits", "Crypto", "CLinux",
        ]
    ),

    // Server rooms.
    Room(
        "Gateway",
        knows: [
            "HTTP", "WebSocket", "EventLoop", "TLS", "Certificates", "JSON", "Bytes", "Crypto", "Logging", "Metrics",
            "Limits", "Model", "RBAC", "Federation", "StoreFormat", "Store",
        ],
        testsKnow: ["COpenSSL"]
    ),
    Room(
        "Services",
        "ClusterNode/Services",
        knows: ["Ownership", "Model", "Network", "Scheduler", "StoreFormat", "JSON", "Bytes", "Limits"]
    ),
    Room("Ownership", "ClusterNode/Ownership", knows: ["Limits"], testsKnow: ["RaftCore"]),
    Room(
        "Authority",
        "ClusterNode/Authority",
        knows: ["Certificates", "Crypto", "Model", "StoreFormat", "Store", "JSON", "Bytes", "Limits"]
    ),
    Room("HostFrames", "ClusterNode/HostFrames", knows: ["HostProtocol", "Model", "StoreFormat", "JSON"]),
    Room(
        "ClusterNode",
        "ClusterNode/Node",
        knows: [
            "Services", "HostFrames", "Ownership", "Authority", "Gateway", "RaftTransport", "TLS", "Certificates",
            "Store", "StoreFormat", "RaftCore", "RaftLog", "RaftGroup", "RBAC", "Federation",
            "Scheduler", "Network", "Model", "HostProtocol", "HTTP", "WebSocket", "EventLoop", "JSON", "Bytes",
            "Crypto",
            "Logging", "Metrics", "Limits", "CLinux",
        ],
        testsKnow: []
    ),
    // Judges of recorded histories; pure.
    Room("Checkers", knows: ["JSON"], testsKnow: ["RaftCore"]),
    Room(
        "Simulator",
        knows: [
            "Checkers", "RaftCore", "RaftLog", "StoreFormat", "Store", "Ownership", "Services", "HostFrames",
            "HostProtocol", "HostAgentCore", "Model", "JSON", "Bytes", "Limits",
        ]
    ),

    // What people type.
    Room("Compose", knows: ["YAML", "JSON", "Model", "Network", "Limits"]),
    Room(
        "CLI",
        knows: [
            "Compose", "YAML", "HTTP", "WebSocket", "EventLoop", "TLS", "Certificates", "JSON", "Bytes", "Crypto",
            "Limits", "CLinux",
        ]
    ),
    Room(
        "Benchmarks",
        "../Benchmarks",
        knows: [
            "Store", "StoreFormat", "RaftCore", "RaftLog", "RaftGroup", "Certificates", "TLS", "HTTP", "EventLoop",
            "JSON", "Bytes", "Subprocess", "Logging",
        ]
    ),
]

/// The rooms whose tests are built, all without it: `DROVER_TEST_ROOMS=RBAC,Gateway swift build --product droverPackageTests`
/// builds what those need and nothing else, for work on one room.
let testedRooms: [String]? = Context.environment["DROVER_TEST_ROOMS"]?.split(separator: ",").map(String.init)

func isTested(_ room: String) -> Bool { testedRooms?.contains(room) ?? true }

let targets: [Target] = rooms.flatMap { room -> [Target] in
    let known: [Target.Dependency] = room.knows.map { .target(name: $0) }
    var made: [Target] = [
        .target(
            name: room.name,
            dependencies: known,
            path: "Sources/\(room.folder)",
            swiftSettings: strict
        )
    ]
    if let extra: [String] = room.testsKnow, isTested(room.name) {
        let names: [String] = [room.name] + room.knows + extra + ["TestSupport"]
        made.append(
            .testTarget(
                name: "\(room.name)Tests",
                dependencies: names.map { .target(name: $0) },
                path: "Tests/\(room.name)Tests",
                exclude: room.testsRead,
                swiftSettings: strict
            )
        )
    }
    return made
}

/// What tests of several rooms need; nothing but tests may know it.
let support: Target = .target(
    name: "TestSupport",
    dependencies: ["EventLoop"],
    path: "Tests/TestSupport",
    swiftSettings: strict
)

/// Tests that belong to no single room.
let wholeTests: [Target] = [
    .testTarget(
        name: "EndToEndTests",
        dependencies: [
            "JSON", "HTTP", "EventLoop", "Bytes", "Subprocess", "Limits", "WebSocket", "TLS", "Certificates",
            "Authority", "Checkers", "Crypto", "Model", "SQLite", "Store", "drover", "TestSupport",
        ],
        exclude: ["FaultShim", "OpenID/provider.py"],
        swiftSettings: strict
    ),
    .testTarget(name: "TidyTests", swiftSettings: strict),
].filter { isTested(String($0.name.dropLast("Tests".count))) }

let package = Package(
    name: "drover",
    products: [.executable(name: "drover", targets: ["drover"])],
    targets: targets + [
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CLinux"),
        .executableTarget(
            name: "drover",
            dependencies: [
                "CLI", "ClusterNode", "Gateway", "HostAgent", "HostRuntime", "Benchmarks", "Simulator", "RaftLog",
                "Logging", "Limits", "JSON", "EventLoop", "HTTP", "CLinux", "Bytes", "Subprocess",
            ],
            swiftSettings: strict
        ),
        .executableTarget(name: "hello", path: "examples/hello/Sources", swiftSettings: strict),
    ] + wholeTests + [support]
)
