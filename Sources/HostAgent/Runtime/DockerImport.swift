import Bytes
import EventLoop
import Glibc
import HostAgentCore
import HTTP
import JSON
import Limits

/// Makes an engine's image of a root file system on this host (`tar:`, `dir:`).
///
/// It is tagged by the hash of its content, so one that is there is not sent again.
struct DockerImport: Sendable {
    static let repository: String = "drover-import"

    let engine: DockerEngine
    let loop: EventLoop
    /// Where archives are packed and unpacked; anywhere with room.
    let folder: String

    /// The engine's name of the image.
    func image(_ source: ImageSource) async throws(OperationFailure) -> String {
        let doing: String = "import image \(source.description)"
        let work: String = "\(folder)/\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FolderTree.make(work)
        let result: Result<String, OperationFailure>
        do throws(OperationFailure) {
            result = .success(try await make(source, work, doing))
        } catch {
            result = .failure(error)
        }
        try? FolderTree.remove(work)
        return try result.get()
    }

    private func make(_ source: ImageSource, _ work: String, _ doing: String) async throws(OperationFailure) -> String {
        let tool = ImageTool(folder: work)
        let file: String
        switch source {
        case .tar(let path):
            file = try await TarFile(tool: tool).plain(path, in: work, image: source.description)
        case .folder(let path):
            file = "\(work)/packed.tar"
            // The same content gives the same archive.
            try await tool.run(
                "tar",
                ["--create", "--file", file, "--directory", path, "--sort=name", "--numeric-owner", "."],
                doing
            )
        default:
            throw OperationFailure("cannot \(doing): the Docker Engine takes references, tar:/… and dir:/… only")
        }
        try TarInspection.check(file, image: source.description)
        let hash: String = try await TarFile(tool: tool).hash(file, doing)
        let name: String = "\(Self.repository):\(hash.prefix(32))"
        let there: DockerEngine.Answer = try await engine.call("GET", "/images/\(name)/json", doing)
        if there.status == 200 { return name }
        do {
            try await send(file, name, doing)
        } catch let failure as OperationFailure {
            throw failure
        } catch {
            throw engine.unreachable(doing, error)
        }
        return name
    }

    /// On a connection of its own, piece by piece: an archive may be larger than the memory.
    private func send(_ file: String, _ name: String, _ doing: String) async throws {
        let descriptor: Int32 = open(file, O_RDONLY | O_CLOEXEC)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else { throw FolderTree.failure("read", file) }
        defer { close(descriptor) }
        let tag: Substring = name.dropFirst(Self.repository.count + 1)
        let deadline: Deadline = .after(seconds: Limits.hostPullSeconds)
        let stream: any ByteStream = try await loop.connect(to: engine.endpoint, before: deadline)
        defer { stream.close() }
        let head: String =
            "POST \(engine.prefix)/images/create?fromSrc=-&repo=\(Self.repository)&tag=\(tag) HTTP/1.1\r\n"
            + "Host: docker\r\nContent-Type: application/x-tar\r\nConnection: close\r\n"
            + "Content-Length: \(status.st_size)\r\n\r\n"
        try await stream.write(Array(head.utf8), before: deadline)
        while true {
            let chunk: [UInt8] = .init(unsafeUninitializedCapacity: 256 * 1024) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            if chunk.isEmpty { break }
            try await stream.write(chunk, before: deadline)
        }
        var answer: [UInt8] = []
        while answer.count < Limits.hostEngineLineBytes {
            let piece: [UInt8] = try await stream.read(upTo: 64 * 1024, before: deadline)
            if piece.isEmpty { break }
            answer += piece
        }
        let text: String = String(decoding: answer, as: UTF8.self)
        let code: Substring = text.split(separator: " ", maxSplits: 2).dropFirst().first ?? ""
        // The engine says 200 first and what went wrong later.
        guard code == "200", !text.contains("\"error\"") else {
            throw OperationFailure(
                "cannot \(doing): the engine answered: \(text.split(separator: "\n").last ?? "nothing")"
            )
        }
    }
}
