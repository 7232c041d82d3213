import Limits

/// Tells whether a whole path fits an expression, in one pass: so many steps as the path has bytes, times the states.
///
/// Thompson's construction: all ways through the expression are followed at once, so that no path makes it try again.
struct PathMatcher: Sendable {
    private enum State: Sendable {
        case one(ByteSet, next: Int)
        case fork(Int, Int)
        case end
    }

    private var states: [State] = []
    private var start: Int = 0
    /// Parts that were looked at: nested counts of nothing would make no states, and never end.
    private var steps: Int = 0

    /// - Throws: ``PathFault`` when the expression is too large.
    init(_ expression: PathExpression) throws(PathFault) {
        states.append(.end)
        start = try add(expression, before: 0)
    }

    private mutating func add(_ state: State) throws(PathFault) -> Int {
        guard states.count < Limits.pathExpressionStates else {
            throw PathFault("it needs more than \(Limits.pathExpressionStates) states; make it shorter")
        }
        states.append(state)
        return states.count - 1
    }

    /// The first state of an expression that goes on at `next`.
    private mutating func add(_ expression: PathExpression, before next: Int) throws(PathFault) -> Int {
        steps += 1
        guard steps <= Limits.pathExpressionStates * 4 else { throw PathFault("its counts multiply; make it shorter") }
        switch expression {
        case .empty: return next
        case .one(let set): return try add(.one(set, next: next))
        case .sequence(let parts):
            var next: Int = next
            for part in parts.reversed() { next = try add(part, before: next) }
            return next
        case .either(let ways):
            var first: Int = try add(ways[ways.count - 1], before: next)
            for way in ways.dropLast().reversed() {
                let begin: Int = try add(way, before: next)
                first = try add(.fork(begin, first))
            }
            return first
        case .repeated(let inner, let low, let high):
            var next: Int = next
            if let high {
                let end: Int = next
                for _ in low..<high {
                    let begin: Int = try add(inner, before: next)
                    next = try add(.fork(begin, end))
                }
            } else {
                let loop: Int = try add(.fork(0, next))
                let begin: Int = try add(inner, before: loop)
                states[loop] = .fork(begin, next)
                next = loop
            }
            for _ in 0..<low { next = try add(inner, before: next) }
            return next
        }
    }

    func matches(_ path: some Sequence<UInt8>) -> Bool {
        var current = Front(states.count)
        var following = Front(states.count)
        enter(start, &current)
        for byte in path {
            for index in current.members {
                guard case .one(let set, let next) = states[index], set.contains(byte) else { continue }
                enter(next, &following)
            }
            swap(&current, &following)
            following.clear()
            if current.members.isEmpty { return false }
        }
        return current.isIn[0]
    }

    private func enter(_ first: Int, _ front: inout Front) {
        var open: [Int] = [first]
        while let index: Int = open.popLast() {
            guard !front.isIn[index] else { continue }
            front.isIn[index] = true
            front.members.append(index)
            if case .fork(let one, let other) = states[index] {
                open.append(other)
                open.append(one)
            }
        }
    }

    /// The states that a path may have come to.
    private struct Front {
        var members: [Int] = []
        var isIn: [Bool]

        init(_ count: Int) { isIn = Array(repeating: false, count: count) }

        mutating func clear() {
            for index in members { isIn[index] = false }
            members.removeAll(keepingCapacity: true)
        }
    }
}
