import Glibc
import HostAgentCore
import HostProtocol
import JSON
import Testing

@testable import HostRuntime

/// Where images come from, for every runtime that runs something.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ImageContractTests {
    @Test(arguments: RuntimeUnderTest.real)
    func `an archive of a root and an unpacked one run alike, and are not written to`(
        kind: RuntimeUnderTest
    ) async throws {
        try await Files.with { folder in
            let root: String = "\(folder)/root"
            try FolderTree.make(root, mode: 0o755)
            try sh("tar -C \(root) -xf \(RootForTests.archive)")
            try await kind.run { runtime in
                for (index, image) in ["tar:\(RootForTests.archive)", "dir:\(root)"].enumerated() {
                    let spec: InstanceSpec = spec(
                        "image-\(index)",
                        image: "docker:\(image)",
                        command: ["sh", "-c", "echo here > /etc/new; cat /etc/new"]
                    )
                    try await runtime.pull(spec)
                    let made: RuntimeContainer = try await runtime.create(spec)
                    _ = try await runtime.start(made.externalID)
                    let pieces: [LogPiece] = try await read(runtime, made.externalID, LogOptions(follow: true))
                    #expect(text(pieces) == "here\n", "\(image)")
                }
            }
            #expect(!FolderTree.exists("\(root)/etc/new"))
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `an archive that reaches beyond its root is refused by name`(kind: RuntimeUnderTest) async throws {
        try await Files.with { folder in
            try sh(
                """
                cd \(folder); mkdir a; echo x > a/f; ln -s /etc a/l
                tar -P -cf up.tar --transform 's,^a/f,../../evil,' a/f
                tar -P -cf absolute.tar --transform 's,^a/f,/tmp/evil,' a/f
                tar -cf through.tar a/l; tar -rf through.tar --transform 's,^a/f,a/l/evil,' a/f
                mknod a/d c 1 3 && tar -cf device.tar a/d
                """
            )
            try await kind.run { runtime in
                for (name, word) in [
                    ("up", "'..'"), ("absolute", "absolute"), ("through", "symbolic link"), ("device", "device node"),
                ] {
                    do {
                        try await runtime.pull(spec("evil-1", image: "docker:tar:\(folder)/\(name).tar"))
                        Issue.record("\(name) was taken")
                    } catch let failure as OperationFailure {
                        #expect(failure.message.contains(word), "\(failure.message)")
                        #expect(failure.message.contains("tar:\(folder)/\(name).tar"), "\(failure.message)")
                        #expect(!failure.isTransient)
                    }
                }
            }
        }
    }

    @Test(arguments: RuntimeUnderTest.real)
    func `a file or folder that is not on the host is an error that names it`(kind: RuntimeUnderTest) async throws {
        try await kind.run { runtime in
            for image in ["tar:/nowhere/x.tar", "dir:/nowhere"] {
                do {
                    try await runtime.pull(spec("gone-1", image: "docker:\(image)"))
                    Issue.record("\(image) was taken")
                } catch let failure as OperationFailure {
                    #expect(failure.message.contains(image), "\(failure.message)")
                }
            }
        }
    }

    /// An image with everything that an image says, made by the tools that the runtimes use themselves.
    @Test(
        .enabled(
            if: ShimProcess.find("umoci") != nil && ShimProcess.find("skopeo") != nil,
            "umoci and skopeo are not both installed"
        ),
        arguments: RuntimeUnderTest.supervised
    )
    func `layouts and saved images say how they are run`(kind: RuntimeUnderTest) async throws {
        try await Files.with { folder in
            try sh(
                """
                cd \(folder); mkdir root; tar -C root -xf \(RootForTests.archive)
                umoci init --layout l; umoci new --image l:t; umoci insert --image l:t root /
                umoci config --image l:t --config.entrypoint sh --config.entrypoint -c \
                    --config.cmd 'echo $A; pwd; id -u' --config.env A=image --config.workingdir /tmp --config.user app
                skopeo --insecure-policy copy --quiet oci:l:t docker-archive:saved.tar:shop/web:1
                mkdir -p local/shop/web; cp saved.tar local/shop/web/1.tar
                """
            )
            try await kind.run { runtime in
                for (index, image) in ["oci:\(folder)/l:t", "docker-archive:\(folder)/saved.tar"].enumerated() {
                    var spec: InstanceSpec = spec("said-\(index)", image: "docker:\(image)")
                    spec.launch["command"] = nil
                    try await runtime.pull(spec)
                    let made: RuntimeContainer = try await runtime.create(spec)
                    _ = try await runtime.start(made.externalID)
                    let pieces: [LogPiece] = try await read(runtime, made.externalID, LogOptions(follow: true))
                    #expect(text(pieces) == "image\n/tmp\n1234\n", "\(image)")
                }
            }
            // A reference is looked for among the archives on the host before a registry is asked.
            let store = try ImageStore(path: "\(folder)/store", local: "\(folder)/local")
            let image: PreparedImage = try await store.prepare(.registry("shop/web:1"), always: false)
            #expect(image.config.user == "app")
            #expect(FolderTree.exists("\(image.root ?? "")/bin/busybox"))
        }
    }

    @Test func `the machine's own files are an image for plain children only`() async throws {
        try await RuntimeUnderTest.process.run { runtime in
            let spec: InstanceSpec = spec("host-1", image: "host:", command: ["sh", "-c", "echo $0; exit 4", "x"])
            let made: RuntimeContainer = try await runtime.create(spec)
            _ = try await runtime.start(made.externalID)
            #expect(text(try await read(runtime, made.externalID, LogOptions(follow: true))) == "x\n")
            #expect(try await runtime.inspect(uuid: "host-1")?.exitCode == 4)
        }
        for kind in RuntimeUnderTest.real where kind != .process {
            try await kind.run { runtime in
                await #expect(throws: OperationFailure.self) { try await runtime.pull(spec("host-2", image: "host:")) }
            }
        }
    }

    @Test(arguments: [
        ("nginx", ImageSource.registry("nginx")), ("//nginx:1", .registry("nginx:1")),
        ("r.example:5000/a/b@sha256:00", .registry("r.example:5000/a/b@sha256:00")),
        ("tar:/a b.tar", .tar(path: "/a b.tar")), ("dir:/x", .folder(path: "/x")), ("host:", .host),
        ("oci:/l", .layout(path: "/l", tag: nil)), ("oci:/l:t", .layout(path: "/l", tag: "t")),
        // An image may be called like a scheme.
        ("tar:1", .registry("tar:1")), ("oci:latest", .registry("oci:latest")),
        ("docker-archive:/f.tar:a/b:1", .archive(path: "/f.tar", reference: "a/b:1")),
    ])
    func `the text of an image says where it comes from`(text: String, source: ImageSource) throws {
        #expect(try ImageSource(text) == source)
    }

    @Test(arguments: ["", "-x", "a b", "docker-archive:f.tar", "docker-archive:", "//", "/x"])
    func `a text that is no image is refused`(text: String) {
        #expect(throws: OperationFailure.self) { try ImageSource(text) }
    }
}

/// Runs a script of a test's own.
func sh(_ script: String) throws {
    let result = try ShimProcess.run("bash", ["-c", "set -e\n\(script)"])
    guard result.code == 0 else { throw TimedOut(description: "the script failed: \(result.said)") }
}

/// Folders of one test.
enum Files {
    static func with(_ body: (String) async throws -> Void) async throws {
        let folder: String = "\(RootForTests.folder)/\(UInt64.random(in: 0 ... .max))"
        try FolderTree.make(folder)
        do {
            try await body(folder)
        } catch {
            try? FolderTree.remove(folder)
            throw error
        }
        try FolderTree.remove(folder)
    }
}
