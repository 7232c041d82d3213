import Glibc
import Subprocess
import Testing

/// The built executable, and runs of it.
enum Program {
    /// Beside the test bundle; else where `swift build` puts it.
    static let path: String = {
        let arguments: [String] = CommandLine.arguments
        if let index: Int = arguments.firstIndex(of: "--test-bundle-path"), index + 1 < arguments.count {
            let beside: String = "\(folder(of: arguments[index + 1]))/drover"
            if access(beside, X_OK) == 0 { return beside }
        }
        return "\(repository)/.build/debug/drover"
    }()

    /// The root of the repository.
    static let repository: String = folder(of: folder(of: folder(of: #filePath)))

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// What every process of a test sees.
    static func environment(_ more: [String: String] = [:]) -> [String: String] {
        var variables: [String: String] = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        for name in ["DOCKER_HOST", "LD_LIBRARY_PATH", "DROVER_LOG"] {
            if let value = getenv(name) { variables[name] = String(cString: value) }
        }
        return variables.merging(more) { $1 }
    }

    /// Runs it to its end.
    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        folder: String? = nil,
        seconds: Int = 60
    ) async throws -> Ended {
        let command = SubprocessCommand(
            path,
            arguments,
            environment: Self.environment(environment),
            workingDirectory: folder
        )
        let result: SubprocessResult = try await Subprocess.run(command, deadline: .seconds(seconds))
        return Ended(arguments: arguments, result: result)
    }
}

/// What a command line came to.
struct Ended: Sendable, CustomStringConvertible {
    let arguments: [String]
    let result: SubprocessResult

    var out: String { result.outputText }
    var error: String { result.errorText }
    /// nil when a signal ended it.
    var code: Int32? {
        if case .exited(let code) = result.status { code } else { nil }
    }

    var description: String {
        "drover \(arguments.joined(separator: " ")): \(result.status)\n--- out\n\(out)--- error\n\(error)---"
    }

    /// Stops the test unless it ended with this code.
    @discardableResult
    func ends(_ code: Int32, sourceLocation: SourceLocation = #_sourceLocation) throws -> Ended {
        try #require(self.code == code, "\(self)", sourceLocation: sourceLocation)
        return self
    }
}

/// A folder of its own, removed afterwards.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    var template: [CChar] = Array("/tmp/drover-e2e-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
        throw RigFailure("no folder below /tmp: \(String(cString: strerror(errno)))")
    }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    do {
        let result: Result = try await body(folder)
        await remove(folder)
        return result
    } catch {
        if getenv("DROVER_KEEP") == nil { await remove(folder) }
        throw error
    }
}

private func remove(_ folder: String) async {
    _ = try? await Subprocess.run("rm", ["--recursive", "--force", folder], environment: Program.environment())
}

struct RigFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Waits until `condition` gives a value.
func wait<Value>(
    for what: String,
    seconds: Int = 30,
    _ condition: () async throws -> Value?
) async throws -> Value {
    let end: ContinuousClock.Instant = .now + .seconds(seconds)
    var last: (any Error)?
    while ContinuousClock.now < end {
        do {
            if let value: Value = try await condition() { return value }
            last = nil
        } catch let failure as RigFailure {
            // Waiting longer does not help.
            throw failure
        } catch {
            last = error
        }
        try await Task.sleep(for: .milliseconds(50))
    }
    throw RigFailure("waited \(seconds) seconds for \(what)\(last.map { ": \($0)" } ?? "")")
}

/// Waits until `condition` holds.
func wait(for what: String, seconds: Int = 30, until condition: () async throws -> Bool) async throws {
    _ = try await wait(for: what, seconds: seconds) { try await condition() ? true : nil }
}
