import Glibc
import RaftCore
import Testing

/// Plays the scripts in `Scripts/`: commands, a line `----`, and the effects that must follow.
///
/// With `DROVER_REWRITE=1` in the environment the answers are written anew; review the difference like code.
struct ScriptTests {
    static let names: [String] = [
        "vote", "pre-vote", "stickiness", "append-conflict", "commit-own-term", "leader-change", "joint-change",
        "learner", "transfer", "read-index", "disk", "snapshot", "strangers", "gone", "lost-log",
    ]

    @Test(arguments: names)
    func `the script holds`(_ name: String) throws {
        let path: String = Self.folder + "/\(name).txt"
        let text: String = try #require(Self.read(path), "no script at \(path)")
        var player = ScriptPlayer()
        let played: String = player.play(text)
        if getenv("DROVER_REWRITE").map({ String(cString: $0) }) == "1" {
            Self.write(played, to: path)
        } else {
            #expect(played == text, "\(name): the answers differ\n\(played)")
        }
    }

    @Test func `every script in the folder is played`() throws {
        let stream: OpaquePointer = try #require(opendir(Self.folder))
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            let name: String = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".txt") { found.append(String(name.dropLast(4))) }
        }
        #expect(found.sorted() == Self.names.sorted())
    }

    private static let folder: String = {
        let file: String = #filePath
        return String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)]) + "/Scripts"
    }()

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count: Int = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    private static func write(_ text: String, to path: String) {
        guard let file = fopen(path, "w") else { return }
        defer { fclose(file) }
        fputs(text, file)
    }
}
