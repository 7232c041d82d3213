import Glibc

/// A program to run: never through a shell, with nothing from this process but what stands here.
package struct SubprocessCommand: Sendable {
    /// An absolute path, or a bare name that is looked up in `PATH` of `environment`, or in the usual folders.
    package var program: String
    /// Without the program's own name.
    package var arguments: [String]
    /// All variables that the program sees.
    package var environment: [String: String]
    /// Nil is this process's own.
    package var workingDirectory: String?

    package init(
        _ program: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        workingDirectory: String? = nil
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
    }
}

/// How a program ended.
package enum SubprocessStatus: Hashable, Sendable {
    case exited(code: Int32)
    case signalled(Int32)

    package var isSuccess: Bool { self == .exited(code: 0) }

    /// From what `waitpid` gives, whose macros Swift does not import.
    init(raw: Int32) {
        let signal: Int32 = raw & 0x7F
        self = signal == 0 ? .exited(code: raw >> 8 & 0xFF) : .signalled(signal)
    }

    /// Waits for the process and forgets it; nil when somebody else has done so.
    static func reap(_ process: pid_t) -> SubprocessStatus? {
        var raw: Int32 = 0
        while waitpid(process, &raw, 0) < 0 {
            guard errno == EINTR else { return nil }
        }
        return SubprocessStatus(raw: raw)
    }
}

extension SubprocessStatus: CustomStringConvertible {
    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "ended by signal \(signal)"
        }
    }
}

/// What a program left behind.
package struct SubprocessResult: Equatable, Sendable {
    package var status: SubprocessStatus
    package var standardOutput: [UInt8]
    package var standardError: [UInt8]

    /// Standard output as text; bytes that are not UTF-8 become replacement characters.
    package var outputText: String { String(decoding: standardOutput, as: UTF8.self) }
    /// Standard error as text; bytes that are not UTF-8 become replacement characters.
    package var errorText: String { String(decoding: standardError, as: UTF8.self) }
}
