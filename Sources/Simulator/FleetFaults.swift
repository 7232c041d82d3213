internal import RaftCore

/// How many hosts and services a simulated cluster has.
package struct FleetSize: Sendable {
    package var hosts: Int = 12
    /// Each has an owner of its own; the hosts are spread over them.
    package var environments: Int = 2
    /// Of each environment, besides a global one.
    package var services: Int = 3
    /// What a service begins with.
    package var scale: Int = 5

    package init() {}

    /// A hundred hosts of one environment, so that every move of its ownership concerns a hundred streams.
    package static let hundredStreams: FleetSize = {
        var size = FleetSize()
        size.hosts = 100
        size.environments = 1
        size.services = 5
        size.scale = 40
        return size
    }()
}

/// How unkind the world is to hosts, and to members as far as they own something; what happens to the cluster itself is in
/// ``ClusterFaults``.
///
/// Percentages are per try; the others are per thousand ticks.
package struct FleetFaults: Sendable {
    /// Somebody gives an environment to another member, whatever its owner is doing; for each environment.
    package var movePerThousand: Int = 4
    /// A member is told to give up what it owns, or not to any more.
    package var drainPerThousand: Int = 2
    /// A member looks at its own state later than it could.
    package var lagPercent: Int = 30
    /// Any one agent crashes.
    package var agentCrashPerThousand: Int = 12
    package var agentDownTicks: Int = 200
    /// In the middle of what one step of an agent wants done; per thousand steps.
    package var stepCrashPerThousand: Int = 2
    /// One host is away for so long that its grace ends; per run.
    package var lostHostPercent: Int = 25
    /// Any one stream breaks.
    package var cutPerThousand: Int = 15
    /// Of breaks, those that one side does not hear of.
    package var silentCutPercent: Int = 50
    package var replayPerThousand: Int = 250
    /// A host meets a server of another incarnation, which knows none of its instances.
    package var strayPerThousand: Int = 4
    package var duplicatePercent: Int = 2
    package var frameDelayTicks: Int = 6
    package var operationFailurePercent: Int = 4
    /// A container ends by itself.
    package var deathPerThousand: Int = 8
    /// Of what clients do, what is about services: to scale, start, stop, remove or add one.
    package var userPercent: Int = 5
    /// Each seed has a mixture of its own.
    package var isMixed: Bool = true

    package init() {}

    /// Some of these more often, some less; never never, for every run must have the most of them.
    func mixed(_ random: inout SeededRandom) -> FleetFaults {
        var faults: FleetFaults = self
        for rate in Self.rates {
            switch random.below(6) {
            case 0: faults[keyPath: rate] = faults[keyPath: rate] * 2 / 3
            case 1: faults[keyPath: rate] *= 2
            default: break
            }
        }
        faults.frameDelayTicks = 1 + random.below(2 * frameDelayTicks)
        return faults
    }

    private static var rates: [WritableKeyPath<FleetFaults, Int>] {
        [
            \.movePerThousand, \.drainPerThousand, \.lagPercent, \.agentCrashPerThousand, \.agentDownTicks,
            \.stepCrashPerThousand, \.cutPerThousand, \.strayPerThousand, \.duplicatePercent,
            \.operationFailurePercent, \.deathPerThousand, \.userPercent,
        ]
    }

    /// The same world after all accidents.
    var healed: FleetFaults {
        var faults: FleetFaults = .none
        faults.userPercent = userPercent
        return faults
    }

    /// A world where everything works, and nobody changes anything.
    package static let none: FleetFaults = {
        var faults = FleetFaults()
        faults.movePerThousand = 0
        faults.drainPerThousand = 0
        faults.lagPercent = 0
        faults.agentCrashPerThousand = 0
        faults.stepCrashPerThousand = 0
        faults.lostHostPercent = 0
        faults.cutPerThousand = 0
        faults.replayPerThousand = 0
        faults.strayPerThousand = 0
        faults.duplicatePercent = 0
        faults.frameDelayTicks = 1
        faults.operationFailurePercent = 0
        faults.deathPerThousand = 0
        faults.userPercent = 0
        faults.isMixed = false
        return faults
    }()
}

/// Bugs that can be put into members and agents on purpose: a simulation that does not find them finds nothing.
package struct FleetFlaws: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// The agent takes frames of any epoch and revision.
    package static let ignoresFence = FleetFlaws(rawValue: 1)
    /// The agent removes what a full sync does not name.
    package static let deletesOnAbsence = FleetFlaws(rawValue: 2)
    /// The agent takes a new owner's word for a new order to start.
    package static let restartsOnMove = FleetFlaws(rawValue: 4)
    /// The runtime does not look for what an earlier attempt has made.
    package static let createsBlindly = FleetFlaws(rawValue: 8)
    /// A member goes on after it has lost a scope, and proposes without naming its epoch.
    package static let keepsOldEpoch = FleetFlaws(rawValue: 16)
    /// A process goes on under the epochs of the one before it.
    package static let inheritsEpochs = FleetFlaws(rawValue: 32)
    /// A member that is cut off from the others keeps its hosts.
    package static let keepsHosts = FleetFlaws(rawValue: 64)
}
