/// The search for one key.
struct RegisterSearch {
    enum Result {
        case explained
        case violated(String)
        case undecided(String)
    }

    /// A way in which things may have gone so far.
    struct Way: Hashable {
        var state: RegisterState
        /// Of the operations under way, by place, those that have happened already.
        var happened: UInt64 = 0
        /// Of the changes without an answer, those that have happened; ascending.
        var used: [Int32] = []
    }

    private struct Event {
        var time: Int64
        var isReturn: Bool
        var operation: Int
    }

    let key: String
    /// By the time they were asked; without those that had no effect.
    let operations: [ClientOperation]
    private let steps: [RegisterStep]
    /// By operation; changes without an answer that can stand for each other have the same.
    private let classes: [Int32]
    private var left: Int
    private let work: Int

    /// By place, the operation under way there.
    private var places: [Int?] = []
    /// Changes without an answer that have been asked.
    private var open: [Int32] = []
    private var ways: [Way] = [Way(state: RegisterState())]

    init(key: String, _ all: [ClientOperation], work: Int) {
        self.key = key
        self.work = work
        left = work
        operations = all.filter { operation in
            switch operation.outcome {
            case .failed: false
            case .unknown: operation.request != .read
            default: true
            }
        }.sorted { $0.invoked < $1.invoked }
        var numbers: [String: Int32] = [:]
        func number(_ value: String) -> Int32 {
            if let known = numbers[value] { return known }
            let next = Int32(numbers.count + 1)
            numbers[value] = next
            return next
        }
        steps = Self.completed(operations.map { Self.step($0, number) })
        classes = Self.classes(steps)
    }

    /// With what answers to other operations tell: which value has which revision.
    private static func completed(_ steps: [RegisterStep]) -> [RegisterStep] {
        var values: [UInt64: Int32] = [:]
        var revisions: [Int32: UInt64] = [:]
        var writers: [Int32: Int] = [:]
        for step in steps {
            if let written = step.written {
                writers[written, default: 0] += 1
                if step.made != 0, written != RegisterState.nothing { values[step.made] = written }
            } else if case .observe(let value, let revision) = step.kind, revision != 0 {
                values[revision] = value
                revisions[value] = revision
            }
        }
        return steps.map { step in
            var step: RegisterStep = step
            step.expected = values[step.needed]
            if step.made == 0, let written = step.written, writers[written] == 1 {
                step.made = revisions[written] ?? 0
            }
            return step
        }
    }

    /// A value that nobody saw is like any other that nobody saw.
    private static func classes(_ steps: [RegisterStep]) -> [Int32] {
        struct Class: Hashable {
            var kind: Int
            var needed: UInt64
            var seen: Int32
            var made: UInt64
        }
        var seen: Set<Int32> = [RegisterState.nothing]
        for step in steps {
            if case .observe(let value, _) = step.kind { seen.insert(value) }
            if let expected = step.expected { seen.insert(expected) }
        }
        var known: [Class: Int32] = [:]
        return steps.map { step in
            let kind: Int =
                switch step.kind {
                case .write: 0
                case .create: 1
                case .replace: 2
                case .delete: 3
                default: 4
                }
            let written: Int32 = step.written.map { seen.contains($0) ? $0 : -1 } ?? -2
            let found = Class(kind: kind, needed: step.needed, seen: written, made: step.made)
            let number: Int32 = known[found] ?? Int32(known.count)
            known[found] = number
            return number
        }
    }

    private static func step(_ operation: ClientOperation, _ number: (String) -> Int32) -> RegisterStep {
        let kind: RegisterStep.Kind
        var made: UInt64 = 0
        switch (operation.request, operation.outcome) {
        case (.create, .refused(let actual)): kind = .refusedCreate(actual: actual)
        case (.replace(_, let revision), .refused(let actual)), (.delete(let revision?), .refused(let actual)):
            kind = .refusedChange(revision: revision, actual: actual)
        case (_, .found(let value, let revision)): kind = .observe(value: number(value), revision: revision ?? 0)
        case (.read, _): kind = .observe(value: RegisterState.nothing, revision: 0)
        case (.write(let value), _): kind = .write(number(value))
        case (.create(let value), _): kind = .create(number(value))
        case (.replace(let value, let revision), _): kind = .replace(number(value), revision: revision)
        case (.delete(let revision), _): kind = .delete(revision: revision ?? 0)
        }
        if case .done(let revision?) = operation.outcome { made = revision }
        return RegisterStep(kind: kind, made: made)
    }

    mutating func run() -> Result {
        var events: [Event] = []
        events.reserveCapacity(operations.count * 2)
        for (number, operation) in operations.enumerated() {
            events.append(Event(time: operation.invoked, isReturn: false, operation: number))
            guard operation.outcome != .unknown else { continue }
            events.append(Event(time: operation.returned, isReturn: true, operation: number))
        }
        // At one moment what is asked comes first: then the two are not ordered.
        events.sort { ($0.time, $0.isReturn ? 1 : 0, $0.operation) < ($1.time, $1.isReturn ? 1 : 0, $1.operation) }
        for event in events {
            if event.isReturn {
                let before: [Way] = ways
                finish(event.operation)
                guard left > 0 else {
                    return .undecided("key \(key): undecided after \(work) steps of the search")
                }
                if ways.isEmpty { return .violated(explanation(event.operation, before)) }
                places[place(of: event.operation)] = nil
            } else if operations[event.operation].outcome == .unknown {
                open.append(Int32(event.operation))
            } else if let free = places.firstIndex(where: { $0 == nil }) {
                places[free] = event.operation
            } else {
                guard places.count < LinearizabilityChecker.widest else {
                    return .undecided(
                        "key \(key): undecided, more than \(LinearizabilityChecker.widest) operations at once"
                    )
                }
                places.append(event.operation)
            }
        }
        return .explained
    }

    private func place(of operation: Int) -> Int { places.firstIndex(of: operation) ?? 0 }

    /// An answer has come: from now on only ways count in which the operation has happened.
    private mutating func finish(_ operation: Int) {
        let place: Int = place(of: operation)
        let bit: UInt64 = 1 << UInt64(place)
        var next = Ways()
        var seen: Set<Way> = []
        var stack: [Way] = ways
        while let way = stack.popLast() {
            left -= 1
            guard left > 0 else { return }
            if way.happened & bit != 0 {
                var done: Way = way
                done.happened &= ~bit
                next.add(done)
                continue
            }
            guard seen.insert(way).inserted else { continue }
            let settled: Way = observingAll(way)
            if settled.happened & bit != 0 {
                stack.append(settled)
                continue
            }
            for (other, number) in places.enumerated() {
                guard let number, settled.happened & 1 << UInt64(other) == 0 else { continue }
                for reached in reaching(steps[number], from: settled) {
                    guard let state = steps[number].applied(to: reached.state) else { continue }
                    stack.append(
                        Way(state: state, happened: reached.happened | 1 << UInt64(other), used: reached.used)
                    )
                }
            }
        }
        ways = next.all
    }

    /// What only looks, and sees what is there, may happen at once: nothing is lost by that.
    private func observingAll(_ way: Way) -> Way {
        var way: Way = way
        for (place, number) in places.enumerated() {
            guard let number, way.happened & 1 << UInt64(place) == 0, !steps[number].isChange else { continue }
            if steps[number].applied(to: way.state) == way.state { way.happened |= 1 << UInt64(place) }
        }
        return way
    }

    /// The ways in which `step` can happen next: this one if it can, else after changes without an answer.
    private mutating func reaching(_ step: RegisterStep, from way: Way) -> [Way] {
        if step.applied(to: way.state) != nil { return [way] }
        guard !step.isTooLate(for: way.state) else { return [] }
        var found: [Way] = []
        var tried: Set<Int32> = []
        for number in open {
            guard step.mayFollow(steps[Int(number)]), !way.used.contains(number),
                tried.insert(classes[Int(number)]).inserted
            else { continue }
            left -= 1
            guard left > 0 else { return [] }
            var with: Way = way
            with.used.insert(number, at: with.used.firstIndex { $0 > number } ?? with.used.count)
            for reached in reaching(steps[Int(number)], from: with) {
                guard let state = steps[Int(number)].applied(to: reached.state), step.applied(to: state) != nil else {
                    continue
                }
                found.append(Way(state: state, happened: reached.happened, used: reached.used))
            }
        }
        return found
    }

    // MARK: Words

    private func explanation(_ operation: Int, _ before: [Way]) -> String {
        let late: ClientOperation = operations[operation]
        var lines: [String] = ["key \(key): no order of its operations explains this answer:", "  \(late)"]
        lines.append("  before it the key can only have held:")
        let states: [RegisterState] = Set(before.map(\.state)).sorted { ($0.floor, $0.value) < ($1.floor, $1.value) }
        for state in states.prefix(6) { lines.append("    " + text(state)) }
        if states.count > 6 { lines.append("    … \(states.count - 6) more") }
        let others: [Int] = places.compactMap { $0 }.filter { $0 != operation }
        if !others.isEmpty {
            lines.append("  under way at the same time:")
            for other in others.sorted().prefix(8) { lines.append("    \(operations[other])") }
        }
        if !open.isEmpty {
            lines.append("  without an answer, so they may have happened:")
            for other in open.suffix(8) { lines.append("    \(operations[Int(other)])") }
        }
        let earlier: [ClientOperation] = operations.filter {
            $0.outcome != .unknown && $0.returned < late.returned && $0.returned != late.returned
        }.sorted { $0.returned < $1.returned }
        lines.append("  the last answers before:")
        for other in earlier.suffix(8) { lines.append("    \(other)") }
        return lines.joined(separator: "\n")
    }

    private func text(_ state: RegisterState) -> String {
        guard state.value != RegisterState.nothing else { return "nothing" }
        let writer: ClientOperation? = zip(operations, steps).first { _, step in
            switch step.kind {
            case .write(state.value), .create(state.value), .replace(state.value, _): true
            default: false
            }
        }?.0
        let revision: String = state.revision == 0 ? "" : " at revision \(state.revision)"
        switch writer?.request {
        case .write(let value), .create(let value), .replace(let value, _): return value + revision
        default: return "a value that nobody wrote" + revision
        }
    }
}

/// Ways, without those that need more than another one with the same state.
private struct Ways {
    private struct Head: Hashable {
        var state: RegisterState
        var happened: UInt64
    }

    private var uses: [Head: [[Int32]]] = [:]
    private var order: [Head] = []

    mutating func add(_ way: RegisterSearch.Way) {
        let head = Head(state: way.state, happened: way.happened)
        guard let known = uses[head] else {
            uses[head] = [way.used]
            return order.append(head)
        }
        if known.contains(where: { Self.isPart($0, of: way.used) }) { return }
        uses[head] = known.filter { !Self.isPart(way.used, of: $0) } + [way.used]
    }

    var all: [RegisterSearch.Way] {
        order.flatMap { head in
            (uses[head] ?? []).map { RegisterSearch.Way(state: head.state, happened: head.happened, used: $0) }
        }
    }

    /// Both ascending.
    private static func isPart(_ small: [Int32], of large: [Int32]) -> Bool {
        var rest: ArraySlice<Int32> = large[...]
        for number in small {
            guard let at = rest.firstIndex(of: number) else { return false }
            rest = rest[(at + 1)...]
        }
        return true
    }
}
