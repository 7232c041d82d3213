import Model
import Ownership
import Scheduler

extension Explanation {
    static func instance(_ number: UInt64, in state: some StateReading) -> Explanation? {
        guard let view = InstanceView(number, in: state) else { return nil }
        let record: InstanceRecord = view.record
        var text = Explanation(
            title: "container \(record.name) (\(id(number, "i")))",
            state: view.state.state
        )
        if let service: UInt64 = record.serviceID { text.because.append("it belongs to service \(id(service, "s"))") }
        if record.removed != nil {
            text.because.append("it was removed")
            return text
        }
        if let cause: String = record.text("replacedBecause") { text.because.append("it is replaced: \(cause)") }
        if record.goal == .removed {
            text.because.append("it was told to go")
            text.addDeparture(of: view, in: state)
            return text
        }
        guard let hostID: UInt64 = record.hostID else {
            text.addPlacement(of: record, in: state)
            return text
        }
        guard let host = HostView(hostID, in: state) else {
            text.because.append("its host \(id(hostID, "h")) is no longer known")
            return text
        }
        let name: String = "host \(host.host.record.displayName) (\(id(hostID, "h")))"
        text.because.append("it is placed on \(name)" + (host.isConnected ? "" : ", whose agent does not answer"))
        if let message: String = view.state.message, view.state.transitioning != "yes" {
            text.because.append("the host says: \(message)")
        }
        if let code: Int64 = view.observed?.exitCode, view.isStopped {
            text.because.append("it ended with exit code \(code)")
        }
        if view.state.transitioning == "yes" || (view.isRunning == false && !host.isConnected) {
            text.waitsFor.append(host.isConnected ? "\(name) to carry out the order" : "\(name) to connect again")
        }
        if view.isFailed || (view.isStopped && record.goal == .running) {
            text.advise("see what it wrote: `drover logs \(record.name)`")
            if record.serviceID != nil, Backoff(of: record).failures > 0 {
                text.waitsFor.append("its service to try again, later with each failure")
            }
        }
        if !host.isConnected {
            text.addLoss(of: host, view, in: state)
            text.advise("start the agent of \(name), or see why it cannot connect (`drover hosts`)")
        }
        return text
    }

    /// Why a container on a host out of reach is where it is.
    mutating func addLoss(of host: HostView, _ view: InstanceView, in state: some StateReading) {
        guard host.isLost, host.isInUse, view.record.serviceID != nil, view.record.requestedHostID == nil else {
            return
        }
        let hosts = HostViews(of: view.record.accountID ?? 0, in: state)
        let name: String = "host \(host.host.record.displayName) (\(Explanation.id(host.number, "h")))"
        if let brake: VanishingBrake = hosts.brake {
            because.append("\(brake.reason)")
        } else if !view.isUnborn {
            because.append("it is not created elsewhere for the silence of \(name) alone: it may still run there")
        }
        advise(
            "if \(name) is gone for good, remove it: deactivate it, then delete it; what was on it is created elsewhere"
        )
    }

    private mutating func addPlacement(of record: InstanceRecord, in state: some StateReading) {
        guard record.goal == .running else {
            because.append("it was never started")
            fix.append("start it: its action `start`")
            return
        }
        let account: UInt64 = record.accountID ?? 0
        let candidates: [HostCandidate] = HostViews(of: account, in: state).candidates()
        let request: PlacementRequest = InstanceController.request(for: record, PublishedPorts(record.ports))
        if let failure: String = record.failure {
            because.append(failure)
        } else {
            because.append("it has no host yet")
            waitsFor.append("a host that can take it")
        }
        add(Scheduler.explain(request, on: candidates), of: account, in: state)
        if record.failure != nil {
            advise("then remove it and create it again: a container that failed is not tried again")
        }
    }
}
