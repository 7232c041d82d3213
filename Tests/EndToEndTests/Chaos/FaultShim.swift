import Glibc
import Subprocess

/// The library that puts faults between a node and its disk, or its clock: `Tests/EndToEndTests/FaultShim/faults.c`.
///
/// Nothing of it is in the product: the system's loader puts it before the C library in the processes of a test.
enum FaultShim {
    /// Builds it with the system's C compiler, and returns its path.
    static func compile(into folder: String) async throws -> String {
        let library: String = "\(folder)/faults.so"
        let result: SubprocessResult = try await Subprocess.run(
            SubprocessCommand(
                "cc",
                [
                    "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", library,
                    "\(Program.repository)/Tests/EndToEndTests/FaultShim/faults.c",
                ],
                environment: Program.environment()
            ),
            deadline: .seconds(60)
        )
        guard result.status == .exited(code: 0) else { throw RigFailure("cc: \(result.errorText)") }
        return library
    }

    /// What the disk of a node, or its clock, does wrong; in the words of faults.c.
    enum Fault: Sendable, Hashable {
        case slow(milliseconds: Int)
        case hang
        case failFlush(Int32)
        case failWrite(Int32)
        /// The time of day is so many seconds off.
        case clock(seconds: Int)

        var line: String {
            switch self {
            case .slow(let milliseconds): "delay \(milliseconds)"
            case .hang: "hang"
            case .failFlush(let code): "flush \(code)"
            case .failWrite(let code): "write \(code)"
            case .clock(let seconds): "clock \(seconds)"
            }
        }
    }

    /// From now on, for files whose path contains `path`; nil ends it.
    static func set(_ fault: Fault?, in file: String, path: String = "/log/") throws {
        guard let fault else {
            unlink(file)
            return
        }
        // In its place in one step: nobody reads half of it.
        try Files.write("path \(path)\n\(fault.line)\n", to: "\(file).next")
        guard rename("\(file).next", file) == 0 else { throw RigFailure("cannot write \(file)") }
    }
}
