import CLI
import Glibc
import Subprocess
import Synchronization

/// One process of a development cluster.
///
/// When it ends by itself it is started again.
final class DevPart: Sendable {
    let name: String
    let output: String
    private let command: SubprocessCommand
    private let console: Console
    private let state = Mutex(State())

    private struct State {
        var child: ChildProcess?
        var watcher: Task<Void, Never>?
        var isStopping: Bool = false
        var whenRestarted: @Sendable () -> Void = {}
    }

    init(name: String, arguments: [String], output: String, environment: [String: String], console: Console) {
        self.name = name
        self.output = output
        self.console = console
        command = SubprocessCommand("/proc/self/exe", arguments, environment: environment)
    }

    var processID: Int32 { state.withLock { $0.child?.processID ?? 0 } }

    /// Whether the process has ended and not come back yet.
    var hasEnded: Bool { state.withLock { $0.child?.status != nil } }

    func whenRestarted(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.whenRestarted = body } }

    func start() throws {
        try spawn()
        let watcher = Task { await self.watch() }
        state.withLock { $0.watcher = watcher }
    }

    private func spawn() throws {
        let child: ChildProcess = try ChildProcess.spawn(
            command,
            standardOutput: .appendTo(output),
            standardError: .appendTo(output),
            ownGroup: true
        )
        state.withLock { $0.child = child }
    }

    private func watch() async {
        while let child: ChildProcess = state.withLock({ $0.child }) {
            let status: SubprocessStatus = await child.wait()
            guard !state.withLock({ $0.isStopping }), !Task.isCancelled else { return }
            console.note("drover: \(name) ended (\(status)); its log is \(output). Starting it again.")
            guard (try? await Task.sleep(for: .seconds(1))) != nil, !state.withLock({ $0.isStopping }) else { return }
            do {
                try spawn()
                // Whoever stopped it meanwhile ends this process, too: it is the part's child by now.
                guard !state.withLock({ $0.isStopping }) else { return }
                state.withLock { $0.whenRestarted }()
            } catch {
                console.note("drover: \(name) does not start: \(error)")
                return
            }
        }
    }

    /// Returns when the process has ended and will not be started again.
    func stop() async {
        let (child, watcher): (ChildProcess?, Task<Void, Never>?) = state.withLock { state in
            state.isStopping = true
            return (state.child, state.watcher)
        }
        watcher?.cancel()
        _ = await child?.stop(grace: .seconds(20))
        // It may have been starting the process again at this very moment.
        await watcher?.value
        let last: ChildProcess? = state.withLock { $0.child }
        if last !== child { _ = await last?.stop(grace: .seconds(20)) }
    }
}
