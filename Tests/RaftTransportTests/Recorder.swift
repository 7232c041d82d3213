import Glibc
import RaftCore
import RaftGroup
import Synchronization

/// A small state machine with a disk: lines of text, and checkpoints of them in a file.
final class Recorder: StateMachine {
    private struct State {
        var index: LogIndex = 0
        var lines: [String] = []
        var installs: Int = 0
    }

    private let path: String
    private let state: Mutex<State>

    init(folder: String) {
        path = folder + "/state"
        state = Mutex(Self.read(path))
    }

    var appliedIndex: LogIndex { state.withLock { $0.index } }
    var lines: [String] { state.withLock { $0.lines } }
    var installs: Int { state.withLock { $0.installs } }

    func apply(index: LogIndex, term: Term, version: UInt8, payload: [UInt8]) -> Int {
        state.withLock { state in
            state.index = index
            state.lines.append(String(decoding: payload, as: UTF8.self))
            return state.lines.count
        }
    }

    func pass(index: LogIndex, term: Term) { state.withLock { $0.index = index } }

    func snapshot(to path: String) throws -> LogIndex {
        let state: State = state.withLock { $0 }
        Self.write(state, to: path)
        return state.index
    }

    func install(from path: String) throws {
        rename(path, self.path)
        let read: State = Self.read(self.path)
        state.withLock { state in
            state.index = read.index
            state.lines = read.lines
            state.installs += 1
        }
    }

    /// What a checkpoint holds survives a restart.
    func checkpoint() -> LogIndex {
        let state: State = state.withLock { $0 }
        Self.write(state, to: path + ".new")
        rename(path + ".new", path)
        return state.index
    }

    private static func write(_ state: State, to path: String) {
        guard let file = fopen(path, "w") else { return }
        defer { fclose(file) }
        fputs("\(state.index)\n" + state.lines.map { $0 + "\n" }.joined(), file)
    }

    private static func read(_ path: String) -> State {
        guard let file = fopen(path, "r") else { return State() }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count: Int = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        let lines: [String] = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        return State(index: lines.first.flatMap { UInt64($0) } ?? 0, lines: Array(lines.dropFirst()))
    }
}
