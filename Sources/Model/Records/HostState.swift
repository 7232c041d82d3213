/// What the API shows of a host: how it is administered, and while that is `active`, how its agent is.
package enum HostState {
    /// Source: contract O6: an active host shows `agentState` where there is one.
    package static func shown(desired: HostRecord, observed: HostObservation?) -> String {
        guard desired.state == "active", let agent: String = observed?.agentState, !agent.isEmpty else {
            return desired.state
        }
        return agent
    }
}
