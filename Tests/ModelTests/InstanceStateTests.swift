import JSON
import Model
import Testing

struct InstanceStateTests {
    private static func shown(
        goal: InstanceGoal,
        ordered: Int64,
        _ condition: InstanceCondition?,
        reported: Int64,
        _ message: String?
    ) -> InstanceState {
        var desired = InstanceRecord(fields: [:])
        desired.goal = goal
        desired.generation = ordered
        var observed = InstanceObservation()
        observed.condition = condition
        observed.generation = reported
        observed.message = message
        return InstanceState(desired: desired, observed: observed)
    }

    @Test func `what was said of an earlier start is not said of this one`() {
        let stopped: InstanceState = Self.shown(goal: .running, ordered: 1, .stopped, reported: 1, "exited with code 3")
        #expect(stopped.state == "stopped" && stopped.message == "exited with code 3")
        let again: InstanceState = Self.shown(goal: .running, ordered: 2, .stopped, reported: 1, "exited with code 3")
        #expect(again.state == "starting" && again.transitioning == "yes" && again.message == "In Progress")
        let pulling: InstanceState = Self.shown(goal: .running, ordered: 2, .pulling, reported: 2, "pulling layer 1")
        #expect(pulling.state == "creating" && pulling.message == "pulling layer 1")
    }
}
