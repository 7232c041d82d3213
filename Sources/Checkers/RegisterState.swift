/// What a key may hold at one moment of a possible order.
///
/// A revision that no answer told is left open until something tells it; `floor` lies below it then.
struct RegisterState: Hashable {
    /// Which value, by its number; 0 for nothing.
    var value: Int32 = 0
    /// 0: not known, or nothing is there.
    var revision: UInt64 = 0
    /// Revisions up to here are taken by what was before.
    var floor: UInt64 = 0

    static let nothing: Int32 = 0

    /// The state with its revision known; nil if it cannot have that one.
    func bound(to revision: UInt64) -> RegisterState? {
        if self.revision != 0 { return self.revision == revision ? self : nil }
        return revision > floor ? RegisterState(value: value, revision: revision, floor: revision) : nil
    }
}

/// An operation in the form in which it is tried: values are numbers.
struct RegisterStep {
    enum Kind {
        /// Expects the value (0: nothing there) with the revision, if that was told.
        case observe(value: Int32, revision: UInt64)
        case write(Int32)
        case create(Int32)
        case replace(Int32, revision: UInt64)
        /// 0: whatever is there.
        case delete(revision: UInt64)
        case refusedCreate(actual: UInt64?)
        case refusedChange(revision: UInt64, actual: UInt64?)
    }

    let kind: Kind
    /// At which a change was made; 0 when that is not known.
    var made: UInt64
    /// The value that has the revision which this one needs, if that is known.
    var expected: Int32?

    /// The revision that must be there, whatever else; 0 for any or none.
    var needed: UInt64 {
        switch kind {
        case .observe(_, let revision), .replace(_, let revision), .delete(let revision): revision
        case .refusedCreate(let actual), .refusedChange(_, let actual): actual ?? 0
        case .write, .create: 0
        }
    }

    /// No change can bring about any more what this one needs.
    func isTooLate(for state: RegisterState) -> Bool {
        needed != 0 && needed <= state.floor && needed != state.revision
    }

    /// What a change leaves behind; nil for what changes nothing.
    var written: Int32? {
        switch kind {
        case .write(let value), .create(let value), .replace(let value, _): value
        case .delete: RegisterState.nothing
        case .observe, .refusedCreate, .refusedChange: nil
        }
    }

    var isChange: Bool { written != nil }

    /// The state after it; nil when it cannot have happened in this one.
    func applied(to state: RegisterState) -> RegisterState? {
        switch kind {
        case .observe(let value, let revision):
            guard state.value == value else { return nil }
            return revision == 0 ? state : state.bound(to: revision)
        case .write(let value): return changed(state, to: value)
        case .create(let value): return state.value == RegisterState.nothing ? changed(state, to: value) : nil
        case .replace(let value, let revision):
            return needed(in: state, revision).flatMap { changed($0, to: value) }
        case .delete(revision: 0): return changed(state, to: RegisterState.nothing)
        case .delete(let revision):
            return needed(in: state, revision).flatMap { changed($0, to: RegisterState.nothing) }
        case .refusedCreate(let actual):
            guard let actual else { return state.value != RegisterState.nothing ? state : nil }
            return needed(in: state, actual)
        case .refusedChange(let revision, let actual):
            guard let actual else {
                return state.value == RegisterState.nothing || state.revision != revision ? state : nil
            }
            if actual == 0 { return state.value == RegisterState.nothing ? state : nil }
            return actual != revision ? needed(in: state, actual) : nil
        }
    }

    private func needed(in state: RegisterState, _ revision: UInt64) -> RegisterState? {
        guard state.value != RegisterState.nothing, expected == nil || expected == state.value else { return nil }
        return state.bound(to: revision)
    }

    private func changed(_ state: RegisterState, to value: Int32) -> RegisterState? {
        guard made == 0 || made > state.floor else { return nil }
        let floor: UInt64 = max(made, state.floor)
        return RegisterState(value: value, revision: value == RegisterState.nothing ? 0 : made, floor: floor)
    }

    /// Whether `change` may leave behind what this one needs: a quick look that may say yes too often.
    func mayFollow(_ change: RegisterStep) -> Bool {
        guard let left: Int32 = change.written else { return false }
        switch kind {
        case .observe(let value, _): return left == value
        case .create: return left == RegisterState.nothing
        case .write, .delete(revision: 0): return false
        case .refusedChange(_, actual: nil): return true
        case .refusedChange(_, actual: 0): return left == RegisterState.nothing
        case .replace, .delete, .refusedCreate, .refusedChange:
            guard change.made == 0 || needed == 0 || change.made == needed else { return false }
            return left != RegisterState.nothing && (expected == nil || expected == left)
        }
    }
}
