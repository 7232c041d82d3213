import CLinux
import Glibc
import HostAgentCore
import HostRuntime
import JSON

/// An agent's data folder: `lock`, `identity.json`, `desired.json`, `starts.json`, `servers.json`, `runtime.json`, `simulated.json`, and
/// a folder for each runtime that keeps its containers itself.
///
/// Held by one process at a time. What was read last from a file is what was written to it last: nobody else writes.
final class AgentFolder: Sendable {
    let path: String
    /// Open as long as this object, which keeps the lock.
    private let lock: Int32

    /// Makes the folder if it is absent and takes its lock.
    ///
    /// - Throws: naming the process that uses it.
    init(_ path: String) throws(AgentFault) {
        self.path = path
        try Self.make(path)
        let file: String = "\(path)/lock"
        lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw AgentFault("cannot open \(file): \(String(cString: strerror(errno)))") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let bytes: [UInt8] = (try? StateFile(path: file).read()) ?? []
            let holder: String = String(decoding: bytes, as: UTF8.self).filter(\.isNumber)
            close(lock)
            throw AgentFault(
                "the data folder \(path) is in use by process \(holder.isEmpty ? "unknown" : holder); "
                    + "stop that agent, or give another --data"
            )
        }
        let text: [UInt8] = Array("\(getpid())\n".utf8)
        guard ftruncate(lock, 0) == 0, pwrite(lock, text, text.count, 0) == text.count else {
            let cause: String = String(cString: strerror(errno))
            close(lock)
            throw AgentFault("cannot write \(file): \(cause)")
        }
    }

    deinit { close(lock) }

    private static func make(_ path: String) throws(AgentFault) {
        var made: String = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw AgentFault("cannot make the folder \(made): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Of the runtimes that keep their containers themselves.
    func containers(_ runtime: String) -> String {
        // Supervisors outlive the agent and its working directory.
        if path.hasPrefix("/") { return "\(path)/\(runtime)" }
        let here: String =
            getcwd(nil, 0).map { text in
                defer { free(text) }
                return String(cString: text)
            } ?? "."
        return "\(here)/\(path)/\(runtime)"
    }

    var simulatedContainers: String { "\(path)/simulated.json" }

    /// The runtime that this host's containers are in.
    func runtime() throws(AgentFault) -> String? { try read("runtime.json")?["runtime"]?.string }

    func save(runtime: String) throws(AgentFault) {
        if try self.runtime() == runtime { return }
        try write(["version": 1, "runtime": .string(runtime)], "runtime.json")
    }

    func identity() throws(AgentFault) -> AgentIdentity? {
        guard let value: JSONValue = try read("identity.json") else { return nil }
        guard let identity = AgentIdentity(value) else {
            throw AgentFault("\(path)/identity.json is not an agent's identity; restore it, or give another --data")
        }
        return identity
    }

    func save(_ identity: AgentIdentity) throws(AgentFault) { try write(identity.json, "identity.json") }

    func orders() throws(AgentFault) -> DesiredSet {
        guard let value: JSONValue = try read("desired.json") else { return DesiredSet() }
        do {
            return try DesiredSet(value)
        } catch {
            throw AgentFault("\(path)/desired.json cannot be read: \(error); move it away to start without orders")
        }
    }

    func save(_ orders: DesiredSet) throws(AgentFault) { try write(orders.json, "desired.json") }

    /// Base URLs that servers told of, as last saved.
    func servers() throws(AgentFault) -> [String] {
        guard let value: JSONValue = try read("servers.json") else { return [] }
        guard value["version"]?.int == 1, let list: [JSONValue] = value["servers"]?.array else {
            throw AgentFault("\(path)/servers.json is not a list of servers; move it away, they are learned again")
        }
        return list.compactMap(\.string)
    }

    func save(servers: [String]) throws(AgentFault) {
        try write(["version": 1, "servers": .array(servers.map { .string($0) })], "servers.json")
    }

    func starts() throws(AgentFault) -> StartLedger {
        guard let value: JSONValue = try read("starts.json") else { return StartLedger() }
        do {
            return try StartLedger(value)
        } catch {
            throw AgentFault("\(path)/starts.json cannot be read: \(error); move it away to start without it")
        }
    }

    func save(_ starts: StartLedger) throws(AgentFault) { try write(starts.json, "starts.json") }

    private func read(_ name: String) throws(AgentFault) -> JSONValue? {
        let file = StateFile(path: "\(path)/\(name)")
        do {
            guard let bytes: [UInt8] = try file.read() else { return nil }
            return try JSONReader.parse(bytes)
        } catch let error as JSONError {
            throw AgentFault("\(file.path) is damaged: \(error); restore it, or move it away")
        } catch {
            throw AgentFault("\(error)")
        }
    }

    /// Orders hold environments with their passwords: all files are for their owner only.
    private func write(_ value: JSONValue, _ name: String) throws(AgentFault) {
        do {
            try StateFile(path: "\(path)/\(name)", isPrivate: true).write(JSONWriter.bytes(value))
        } catch {
            throw AgentFault("\(error)")
        }
    }
}
