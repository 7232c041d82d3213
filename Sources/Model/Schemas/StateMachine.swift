/// The states of a resource type and the processes that lead from one to the next, as data.
///
/// A process starts in one of `from`, moves the resource to `via` while its work is done, and ends in `done`. One name may
/// stand for several processes with different starts: `update` keeps the side it came from.
/// Source: contract O1.
package struct StateMachine: Hashable, Sendable {
    package struct Process: Hashable, Sendable {
        package var name: String
        package var from: [String]
        package var via: String
        package var done: String

        package init(_ name: String, from: [String], via: String, done: String) {
            self.name = name
            self.from = from
            self.via = via
            self.done = done
        }
    }

    package let processes: [Process]
    /// States in which a controller is at work: `transitioning` is `yes` in them.
    package let transitioning: Set<String>
    /// All states, alphabetically.
    package let states: [String]

    package init(_ processes: [Process]) {
        self.processes = processes
        self.transitioning = Set(processes.map(\.via))
        self.states = Set(processes.flatMap { $0.from + [$0.via, $0.done] }).sorted()
    }

    package func isTransitioning(_ state: String) -> Bool { transitioning.contains(state) }

    /// The process `name` for a resource in `state`; nil when it may not start there.
    package func process(named name: String, from state: String) -> Process? {
        processes.first { $0.name == name && $0.from.contains(state) }
    }

    /// The process whose work a resource in the transitional `state` waits for; several share a state only if they end alike.
    package func process(via state: String) -> Process? {
        processes.first { $0.via == state }
    }

    package func hasProcess(_ name: String) -> Bool { processes.contains { $0.name == name } }
}
