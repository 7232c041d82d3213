import Glibc
import HostAgentCore

/// An archive on this host, plain or compressed.
struct TarFile: Sendable {
    let tool: ImageTool

    /// The archive itself, or what it unpacks to, in `folder`.
    func plain(_ file: String, in folder: String, image: String) async throws(OperationFailure) -> String {
        guard let program: String = Self.program(file) else { return file }
        let unpacked: String = "\(folder)/plain.tar"
        try await tool.run(
            "sh",
            ["-c", "exec \"$1\" --decompress --stdout <\"$2\" >\"$3\"", "sh", program, file, unpacked],
            "unpack image \(image) with \(program)"
        )
        return unpacked
    }

    /// SHA-256 in hexadecimal.
    func hash(_ file: String, _ doing: String) async throws(OperationFailure) -> String {
        let text: String = try await tool.run("sha256sum", ["--", file], doing)
        return String(text.drop { $0 == "\\" }.prefix { $0 != " " })
    }

    /// What unpacks it, by its first bytes; nil for what is not compressed.
    private static func program(_ file: String) -> String? {
        let descriptor: Int32 = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 6)
        guard read(descriptor, &bytes, 6) == 6 else { return nil }
        if bytes.starts(with: [0x1F, 0x8B]) { return "gzip" }
        if bytes.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A]) { return "xz" }
        if bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return "zstd" }
        if bytes.starts(with: [0x42, 0x5A, 0x68]) { return "bzip2" }
        return nil
    }
}
