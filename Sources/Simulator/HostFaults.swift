/// How large a simulated installation is.
package struct HostWorldSize: Sendable {
    package var hosts: Int = 12
    package var servers: Int = 3
    /// Each has an owner of its own; the hosts are spread over them.
    package var environments: Int = 2
    /// Of each environment, besides a global one.
    package var services: Int = 3
    /// What a service begins with.
    package var scale: Int = 5

    package init() {}

    /// A hundred hosts of one environment, so that every move of its ownership concerns a hundred streams.
    package static let hundredStreams: HostWorldSize = {
        var size = HostWorldSize()
        size.hosts = 100
        size.servers = 5
        size.environments = 1
        size.services = 5
        size.scale = 40
        return size
    }()
}

/// How unkind the world of servers and hosts is.
///
/// Percentages are per try; the others are per thousand ticks.
package struct HostFaults: Sendable {
    /// For each environment.
    package var movePerThousand: Int = 12
    package var serverCrashPerThousand: Int = 2
    /// A server stops for a while and then goes on with what it had in hand.
    package var serverStallPerThousand: Int = 6
    package var serverStallTicks: Int = 120
    /// A server does not hear what was committed meanwhile.
    package var lagPercent: Int = 30
    package var proposalLossPercent: Int = 3
    /// The proposer hears nothing, but the transaction was applied.
    package var proposalUnknownPercent: Int = 2
    package var proposalDelayPercent: Int = 15
    package var proposalDelayTicks: Int = 12
    /// Any one agent crashes.
    package var agentCrashPerThousand: Int = 25
    package var agentDownTicks: Int = 100
    /// In the middle of what one step of an agent wants done; per thousand steps.
    package var stepCrashPerThousand: Int = 2
    /// Any one stream breaks.
    package var cutPerThousand: Int = 30
    /// Of breaks, those that one side does not hear of.
    package var silentCutPercent: Int = 50
    package var replayPerThousand: Int = 500
    /// A host meets a server of another incarnation, which knows none of its instances.
    package var strayPerThousand: Int = 8
    package var duplicatePercent: Int = 2
    package var frameDelayTicks: Int = 6
    package var operationFailurePercent: Int = 4
    /// A container ends by itself.
    package var deathPerThousand: Int = 15
    /// Somebody scales, starts, stops, removes or adds a service.
    package var userPerThousand: Int = 25

    package init() {}

    /// A world where everything works.
    package static let none: HostFaults = {
        var faults = HostFaults()
        faults.movePerThousand = 0
        faults.serverCrashPerThousand = 0
        faults.serverStallPerThousand = 0
        faults.lagPercent = 0
        faults.proposalLossPercent = 0
        faults.proposalUnknownPercent = 0
        faults.proposalDelayPercent = 0
        faults.agentCrashPerThousand = 0
        faults.stepCrashPerThousand = 0
        faults.cutPerThousand = 0
        faults.replayPerThousand = 0
        faults.strayPerThousand = 0
        faults.duplicatePercent = 0
        faults.frameDelayTicks = 1
        faults.operationFailurePercent = 0
        faults.deathPerThousand = 0
        faults.userPerThousand = 0
        return faults
    }()
}

/// Bugs that can be put into the world on purpose: a simulation that does not find them finds nothing.
package struct HostFlaws: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// The agent takes frames of any epoch and revision.
    package static let ignoresFence = HostFlaws(rawValue: 1)
    /// The agent removes what a full sync does not name.
    package static let deletesOnAbsence = HostFlaws(rawValue: 2)
    /// The agent takes a new owner's word for a new order to start.
    package static let restartsOnMove = HostFlaws(rawValue: 4)
    /// The runtime does not look for what an earlier attempt has made.
    package static let createsBlindly = HostFlaws(rawValue: 8)
    /// A server goes on after it has lost a scope, and proposes without naming its epoch.
    package static let keepsOldEpoch = HostFlaws(rawValue: 16)
}
