import Glibc
import TestSupport

extension Folder {
    static func read(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var content: [UInt8] = []
        var chunk: [UInt8] = Array(repeating: 0, count: 65_536)
        while true {
            let count: Int = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return content }
            content += chunk[..<count]
        }
    }

    static func write(_ content: [UInt8], _ path: String) {
        guard let file = fopen(path, "w") else { return }
        defer { fclose(file) }
        fwrite(content, 1, content.count, file)
    }

    /// What a crash now would leave.
    func copy() -> Folder {
        let other = Folder()
        // The shared-memory index does not outlive a crash of the machine.
        for name in names where !name.hasSuffix("-shm") {
            Self.write(Self.read("\(path)/\(name)"), "\(other.path)/\(name)")
        }
        return other
    }
}
