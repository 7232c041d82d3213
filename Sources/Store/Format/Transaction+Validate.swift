import Limits

/// What a transaction breaks of the rules of its own format: a bug of its proposer.
package struct InvalidTransaction: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String
    package var description: String { "invalid transaction: \(reason)" }
}

extension Transaction {
    /// Checks every rule of the format that does not depend on the state.
    ///
    /// - Throws: ``InvalidTransaction`` with the first rule that is broken.
    package func validate() throws(InvalidTransaction) {
        try validated().get()
    }

    func validated() -> Result<Void, InvalidTransaction> {
        guard let reason = brokenRule() else { return .success(()) }
        return .failure(InvalidTransaction(reason: reason))
    }

    private func brokenRule() -> String? {
        if writes.count > Limits.transactionWrites {
            return "\(writes.count) writes, \(Limits.transactionWrites) at most"
        }
        if preconditions.count > Limits.transactionPreconditions {
            return "\(preconditions.count) preconditions, \(Limits.transactionPreconditions) at most"
        }
        guard (0...Limits.transactionWrites).contains(created) else {
            return "creates \(created) numbers, \(Limits.transactionWrites) at most"
        }
        if blobs.count > Limits.transactionWrites {
            return "\(blobs.count) blobs, \(Limits.transactionWrites) at most"
        }
        if blobs.contains(where: { $0.hash.count != 32 }) { return "the hash of a blob has 32 bytes" }
        if actor.utf8.count > Limits.transactionTextBytes { return tooLong("the actor") }
        if requestID.utf8.count > Limits.transactionTextBytes { return tooLong("the request id") }
        if let reason = ticketRule() ?? auditRule() { return reason }
        for (position, condition) in preconditions.enumerated() {
            if let reason = condition.brokenRule() { return "precondition \(position): \(reason)" }
        }
        var sessions: Int = 0
        for (position, write) in writes.enumerated() {
            if case .openSession = write { sessions += 1 }
            if let reason = write.brokenRule(created: created) { return "write \(position): \(reason)" }
        }
        if sessions > 1 { return "opens \(sessions) sessions, 1 at most" }
        return nil
    }

    private func ticketRule() -> String? {
        guard let ticket else { return nil }
        guard ticket.sequence >= 1 else { return "a ticket's sequence starts at 1" }
        guard (1...ticket.sequence).contains(ticket.answeredBelow) else {
            return "a ticket is answered below \(ticket.answeredBelow) but its own sequence is \(ticket.sequence)"
        }
        return nil
    }

    private func auditRule() -> String? {
        guard let audit else { return nil }
        let texts: [String] = [
            audit.eventType, audit.resourceType, audit.description, audit.authType, audit.credential,
            audit.clientIP, audit.decision,
        ]
        if texts.contains(where: { $0.utf8.count > Limits.transactionTextBytes }) { return tooLong("an audit text") }
        if audit.requestObject.count > Limits.recordBytes { return "the audited request object is too long" }
        if let index = audit.createdResource, !(0..<created).contains(index) {
            return "the audit names $\(index) of \(created) created numbers"
        }
        return nil
    }

    private func tooLong(_ what: String) -> String {
        "\(what) is longer than \(Limits.transactionTextBytes) bytes"
    }
}

extension Precondition {
    fileprivate func brokenRule() -> String? {
        switch self {
        case .uniqueKeyFree(let key): keyRule(key, "the unique key")
        case .policyUnchanged(let subject, _): keyRule(subject, "the policy subject")
        case .poolHolds(let name, _): keyRule(name, "the pool name")
        case .revision, .absent, .epoch: nil
        }
    }

    private func keyRule(_ key: [UInt8], _ what: String) -> String? {
        key.count <= Limits.storeKeyBytes ? nil : "\(what) is longer than \(Limits.storeKeyBytes) bytes"
    }
}

extension Write {
    fileprivate func brokenRule(created: Int) -> String? {
        let key: Int = Limits.storeKeyBytes
        switch self {
        case .put(let record): return record.brokenRule(created: created)
        case .delete(_, let number): return number.brokenRule(created: created)
        case .assignScope(let scope, let node):
            if node.utf8.count > Limits.transactionTextBytes { return "the node's name is too long" }
            return scope.brokenRule(created: created)
        case .touchPolicy(let subject), .forgetPolicy(let subject):
            return subject.brokenRule(created: created, limit: key, "the policy subject")
        case .definePool(let name, _), .takeFromPool(let name, _):
            return name.brokenRule(created: created, limit: key, "the pool name")
        case .openSession: return nil
        }
    }
}

extension RecordWrite {
    fileprivate func brokenRule(created: Int) -> String? {
        if terms.count > Limits.recordTerms { return "\(terms.count) terms, \(Limits.recordTerms) at most" }
        if uniqueKeys.count > Limits.recordUniqueKeys {
            return "\(uniqueKeys.count) unique keys, \(Limits.recordUniqueKeys) at most"
        }
        if let reason = number.brokenRule(created: created) ?? scope.brokenRule(created: created) { return reason }
        if let reason = document.brokenRule(created: created, limit: Limits.recordBytes, "the document") {
            return reason
        }
        for term in terms {
            if let reason = term.brokenRule(created: created, limit: Limits.storeKeyBytes, "a term") { return reason }
        }
        for key in uniqueKeys {
            if let reason = key.brokenRule(created: created, limit: Limits.storeKeyBytes, "a unique key") {
                return reason
            }
        }
        return nil
    }
}

extension NumberReference {
    fileprivate func brokenRule(created: Int) -> String? {
        switch self {
        case .known(let number):
            number <= Limits.recordNumber ? nil : "number \(number), \(Limits.recordNumber) is the largest"
        case .created(let index):
            (0..<created).contains(index) ? nil : "names $\(index) of \(created) created numbers"
        }
    }
}

extension Template {
    /// No number has more digits, so a template that fits with this many a hole fits whatever is filled in.
    private static let digits: Int = 16

    fileprivate func brokenRule(created: Int, limit: Int, _ what: String) -> String? {
        var last: Int = 0
        for hole in holes {
            guard hole.offset >= last, hole.offset <= bytes.count else {
                return "\(what) has a hole at \(hole.offset) that is out of order or out of bounds"
            }
            last = hole.offset
            guard (0..<created).contains(hole.created) else {
                return "\(what) names $\(hole.created) of \(created) created numbers"
            }
        }
        let filled: Int = bytes.count + holes.count * Self.digits
        return filled <= limit ? nil : "\(what) may take \(filled) bytes, \(limit) at most"
    }
}
