/// One thing for one controller to look at: what the driver's queue holds.
package struct WorkItem: Hashable, Sendable, CustomStringConvertible {
    package enum Controller: Int, Sendable, Hashable, CaseIterable {
        // In the order in which equal numbers run: what frees places comes before what takes them.
        case instance, host, service, stack, project, serviceHealth, stackHealth, purge
    }

    package var controller: Controller
    package var number: UInt64

    package init(_ controller: Controller, _ number: UInt64) {
        self.controller = controller
        self.number = number
    }

    package var description: String { "\(controller) \(number)" }
}

extension WorkItem: Comparable {
    package static func < (left: WorkItem, right: WorkItem) -> Bool {
        (left.controller.rawValue, left.number) < (right.controller.rawValue, right.number)
    }
}
