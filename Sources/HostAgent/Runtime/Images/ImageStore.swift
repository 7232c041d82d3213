import Crypto
import Bytes
import Glibc
import HostAgentCore
import JSON
import Limits

/// Images of one host, each content unpacked once.
///
/// On disk: `content/<hash>/rootfs` and `image.json` beside it, which appear as a whole; `refs/<hash of the name>.json` says which
/// content a name stood for, and by what it is known that it still does. Images that nothing uses are kept.
actor ImageStore {
    private let path: String
    /// A folder of archives by reference (`drover/hello/1.tar`), looked at before a registry is asked.
    private let local: String?
    private let tool: ImageTool
    private var running: [ImageSource: Task<PreparedImage, any Error>] = [:]
    private var count: Int = 0

    init(path: String, local: String?) throws(OperationFailure) {
        self.path = path
        self.local = local
        tool = ImageTool(folder: "\(path)/tmp")
        // What an earlier run left unfinished.
        try FolderTree.remove("\(path)/tmp")
        for name in ["content", "refs", "tmp"] { try FolderTree.make("\(path)/\(name)") }
    }

    /// Gets what is absent; `always` asks the source again.
    @discardableResult
    func prepare(_ source: ImageSource, always: Bool) async throws(OperationFailure) -> PreparedImage {
        let task: Task<PreparedImage, any Error>
        if let begun = running[source] {
            task = begun
        } else {
            task = Task { try await self.make(source, always: always) }
            running[source] = task
        }
        let result: Result<PreparedImage, any Error> = await task.result
        if running[source] == task { running[source] = nil }
        do {
            return try result.get()
        } catch let failure as OperationFailure {
            throw failure
        } catch {
            throw OperationFailure("cannot prepare image \(source.description): \(error)", isTransient: true)
        }
    }

    private func make(_ source: ImageSource, always: Bool) async throws(OperationFailure) -> PreparedImage {
        switch source {
        case .host: return PreparedImage(root: nil, config: ImageConfig())
        case .folder(let folder):
            guard Self.isFolder(folder) else {
                throw OperationFailure("cannot use image \(source.description): there is no such folder on this host")
            }
            return PreparedImage(root: folder, config: ImageConfig())
        case .tar(let file):
            return try await prepare(source, fingerprint: try Self.fingerprint(file, source)) {
                (path) async throws(OperationFailure) in try await self.unpackTar(file, source, path)
            }
        case .archive(let file, _):
            return try await prepare(source, fingerprint: try Self.fingerprint(file, source)) {
                (path) async throws(OperationFailure) in try await self.unpackImage(source.description, source, path)
            }
        case .layout(let folder, _):
            return try await prepare(source, fingerprint: try Self.fingerprint("\(folder)/index.json", source)) {
                (path) async throws(OperationFailure) in try await self.unpackImage(source.description, source, path)
            }
        case .registry(let reference):
            if let archive: String = localArchive(reference) {
                return try await prepare(source, fingerprint: try Self.fingerprint(archive, source)) {
                    (path) async throws(OperationFailure) in
                    try await self.unpackImage("docker-archive:\(archive)", source, path)
                }
            }
            return try await prepare(source, fingerprint: always ? nil : "registry") {
                (path) async throws(OperationFailure) in
                try await self.unpackImage("docker://\(reference)", source, path)
            }
        }
    }

    private func localArchive(_ reference: String) -> String? {
        guard let local, !reference.split(separator: "/").contains("..") else { return nil }
        // A colon in its path would be taken for the mark of a reference.
        let file: String = "\(local)/\(reference.replacing(":", with: "/").replacing("@", with: "/")).tar"
        return access(file, R_OK) == 0 ? file : nil
    }

    /// What the name stands for already, or what `unpack` puts into the folder that it is given, whose name it returns.
    private func prepare(
        _ source: ImageSource,
        fingerprint: String?,
        _ unpack: (String) async throws(OperationFailure) -> String
    ) async throws(OperationFailure) -> PreparedImage {
        let name: String = Hex.encode(SHA256.hash(Array(source.description.utf8)))
        let known = StateFile(path: "\(path)/refs/\(name).json")
        if let fingerprint, let bytes: [UInt8] = try? known.read(), let value = try? JSONReader.parse(bytes),
            value["fingerprint"]?.string == fingerprint, let content: String = value["content"]?.string,
            let image: PreparedImage = image(content)
        {
            return image
        }
        count += 1
        let work: String = "\(path)/tmp/\(count)"
        try FolderTree.make(work)
        do throws(OperationFailure) {
            let content: String = try await unpack(work)
            let image: PreparedImage = try keep(work, as: content)
            try FolderTree.remove(work)
            let note: JSONValue = [
                "reference": .string(source.description), "content": .string(content),
                "fingerprint": .string(fingerprint ?? "registry"),
            ]
            try write(note, to: known)
            return image
        } catch {
            try? FolderTree.remove(work)
            throw error
        }
    }

    private func write(_ value: JSONValue, to file: StateFile) throws(OperationFailure) {
        do {
            try file.write(JSONWriter.bytes(value))
        } catch {
            throw OperationFailure("\(error)", isTransient: true)
        }
    }

    private func image(_ content: String) -> PreparedImage? {
        let folder: String = "\(path)/content/\(content)"
        guard let bytes: [UInt8] = try? StateFile(path: "\(folder)/image.json").read(),
            let value: JSONValue = try? JSONReader.parse(bytes)
        else { return nil }
        return PreparedImage(root: "\(folder)/rootfs", config: ImageConfig(value))
    }

    /// The content's folder appears complete, or not at all.
    private func keep(_ work: String, as content: String) throws(OperationFailure) -> PreparedImage {
        if let there: PreparedImage = image(content) { return there }
        let place: String = "\(path)/content/\(content)"
        try FolderTree.remove(place)
        guard rename("\(work)/unpacked", place) == 0, let image: PreparedImage = image(content) else {
            throw FolderTree.failure("keep an image in", place)
        }
        return image
    }

    // MARK: Kinds of sources

    private func unpackTar(
        _ file: String,
        _ source: ImageSource,
        _ work: String
    ) async throws(OperationFailure) -> String {
        let doing: String = "unpack image \(source.description)"
        let plain: String = try await TarFile(tool: tool).plain(file, in: work, image: source.description)
        try TarInspection.check(plain, image: source.description)
        let hash: String = try await TarFile(tool: tool).hash(plain, doing)
        let root: String = "\(work)/unpacked/rootfs"
        try FolderTree.make(root, mode: 0o755)
        try await tool.run(
            "tar",
            ["--extract", "--file", plain, "--directory", root, "--numeric-owner", "--same-permissions"],
            doing
        )
        try write(ImageConfig(), work)
        return "tar-\(hash)"
    }

    /// By way of an OCI layout, whatever it comes from.
    private func unpackImage(
        _ from: String,
        _ source: ImageSource,
        _ work: String
    ) async throws(OperationFailure) -> String {
        let doing: String = "get image \(source.description)"
        let layout: String = "\(work)/layout"
        var arguments: [String] = ["copy", "--quiet", "--insecure-policy"]
        if Self.isOnLoopback(from) { arguments.append("--src-tls-verify=false") }
        try await tool.run("skopeo", arguments + ["--", from, "oci:\(layout):image"], doing)
        let digest: String = try Self.member(["manifests", 0, "digest"], of: "\(layout)/index.json", doing)
        let config: String = try Self.member(["config", "digest"], of: Self.blob(layout, digest), doing)
        let described: JSONValue = try Self.document(Self.blob(layout, config), doing)
        try FolderTree.make("\(work)/unpacked", mode: 0o755)
        var unpack: [String] = ["raw", "unpack", "--image", "\(layout):image"]
        if geteuid() != 0 { unpack.append("--rootless") }
        try await tool.run("umoci", unpack + ["\(work)/unpacked/rootfs"], doing)
        try write(ImageConfig(described["config"]), work)
        return "image-\(digest.replacing(":", with: "-"))"
    }

    private func write(_ config: ImageConfig, _ work: String) throws(OperationFailure) {
        try write(config.json, to: StateFile(path: "\(work)/unpacked/image.json"))
    }

    private enum Step: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
        case member(String)
        case element(Int)

        init(stringLiteral value: String) { self = .member(value) }
        init(integerLiteral value: Int) { self = .element(value) }
    }

    private static func member(
        _ steps: [Step],
        of file: String,
        _ doing: String
    ) throws(OperationFailure) -> String {
        var value: JSONValue? = try document(file, doing)
        for step in steps {
            switch step {
            case .member(let name): value = value?[name]
            case .element(let index):
                let array: [JSONValue] = value?.array ?? []
                value = index < array.count ? array[index] : nil
            }
        }
        guard let text: String = value?.string, !text.contains("/") else {
            throw OperationFailure("cannot \(doing): its manifest is not in the form of the OCI image specification")
        }
        return text
    }

    private static func document(_ file: String, _ doing: String) throws(OperationFailure) -> JSONValue {
        guard let bytes: [UInt8] = try? StateFile(path: file).read(), let value = try? JSONReader.parse(bytes) else {
            throw OperationFailure("cannot \(doing): its manifest or configuration cannot be read")
        }
        return value
    }

    private static func blob(_ layout: String, _ digest: String) -> String {
        "\(layout)/blobs/\(digest.replacing(":", with: "/"))"
    }

    /// A registry on this machine has no certificate, as for the Docker Engine.
    private static func isOnLoopback(_ from: String) -> Bool {
        ["docker://127.", "docker://localhost:", "docker://localhost/", "docker://[::1]"].contains {
            from.hasPrefix($0)
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// What changes when a file does.
    private static func fingerprint(_ file: String, _ source: ImageSource) throws(OperationFailure) -> String {
        var status = stat()
        guard stat(file, &status) == 0 else {
            throw OperationFailure(
                "cannot use image \(source.description): \(file): \(String(cString: strerror(errno))) on this host"
            )
        }
        return "\(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }
}
