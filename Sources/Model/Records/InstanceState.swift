/// What the API shows of an instance: one state out of what is wanted and what is reported.
package struct InstanceState: Hashable, Sendable {
    /// `creating`, `starting`, `running`, `stopping`, `stopped`, `error`, `removing`, `removed`, `purged`.
    package var state: String
    /// `yes`, `no`, `error`.
    package var transitioning: String
    package var message: String?

    package init(desired: InstanceRecord, observed: InstanceObservation?) {
        let condition: InstanceCondition? = observed?.condition
        // A report about an earlier order says nothing about this one.
        let isCurrent: Bool = (observed?.generation ?? 0) >= desired.generation
        if desired.removed != nil {
            self.init(desired.isPurged ? "purged" : "removed", "no", nil)
        } else if desired.goal == .removed {
            self.init("removing", "yes", observed?.message)
        } else if let failure: String = desired.failure {
            self.init("error", "error", failure)
        } else if desired.goal == .stopped {
            let isAtRest: Bool =
                condition == .stopped || condition == .gone || condition == nil
                || (condition == .error && isCurrent)
            self.init(isAtRest ? "stopped" : "stopping", isAtRest ? "no" : "yes", nil)
        } else {
            switch (isCurrent, condition) {
            case (true, .running?): self.init("running", "no", nil)
            case (true, .stopped?), (true, .gone?): self.init("stopped", "no", observed?.message)
            case (true, .error?): self.init("error", "error", observed?.message ?? "the host gave no reason")
            case (true, .pulling?), (true, .creating?): self.init("creating", "yes", observed?.message)
            case (false, nil): self.init("creating", "yes", "waiting for the host")
            default: self.init("starting", "yes", isCurrent ? observed?.message : nil)
            }
        }
    }

    private init(_ state: String, _ transitioning: String, _ message: String?) {
        self.state = state
        self.transitioning = transitioning
        self.message = transitioning == "yes" ? message ?? "In Progress" : message
    }
}
