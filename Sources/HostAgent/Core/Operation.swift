package import HostProtocol

/// One thing to do with one instance's container.
///
/// Every kind is safe to repeat.
package struct Operation: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// Get the image, if it is absent or its label asks for it each time.
        case pull
        /// Make the container, or find the one that an earlier attempt made.
        case create
        case start(externalID: String)
        case stop(externalID: String)
        /// By force, with the volumes that have no name.
        case remove(externalID: String)
        /// Look at what there is.
        case inspect
    }

    /// Unique within a run of the agent: pairs an outcome with its operation.
    package var id: UInt64
    package var uuid: String
    package var kind: Kind
    /// The order that it serves; nil for an instance that is to be removed, or only looked at.
    package var spec: InstanceSpec?

    package init(id: UInt64, uuid: String, kind: Kind, spec: InstanceSpec?) {
        self.id = id
        self.uuid = uuid
        self.kind = kind
        self.spec = spec
    }
}

/// What came of an ``Operation``.
package enum OperationOutcome: Sendable, Hashable {
    /// Of a pull.
    case done
    /// The instance's container after the operation; nil when there is none.
    case container(RuntimeContainer?)
    case failed(OperationFailure)
}

/// Why an ``Operation`` failed.
package struct OperationFailure: Error, Sendable, Hashable {
    /// For people: what could not be done with what, why, and what to do.
    package var message: String
    /// Nothing is wrong with the order: the runtime is out of reach, or busy.
    ///
    /// It is tried again.
    package var isTransient: Bool

    package init(_ message: String, isTransient: Bool = false) {
        self.message = message
        self.isTransient = isTransient
    }
}
