/// An ordered map whose copies share all that is equal: copying it is taking one reference.
///
/// A B+ tree out of plain arrays. Changing a copy copies the nodes on one path, about four of at most 32
/// entries each; a tree that nobody shares is changed in place, because arrays are. So the state
/// may be handed to a reader at any moment while apply goes on with its own.
///
/// Departure from the textbook: a node is merged with its neighbour when it falls below a quarter, never
/// refilled from it; ascending keys, the usual case, fill nodes to the brim.
struct OrderedTree<Key: Comparable & Sendable, Value: Sendable>: Sendable {
    struct Entry: Sendable {
        var key: Key
        var value: Value
    }

    /// `low` is at most the least key below `node`, and above every key of the child before; the first
    /// child's is not looked at.
    struct Child: Sendable {
        var low: Key
        var node: Node
    }

    enum Node: Sendable {
        case leaf([Entry])
        case inner([Child])
    }

    private(set) var count: Int = 0
    private var root: Node = .leaf([])

    subscript(key: Key) -> Value? { root.value(of: key) }

    mutating func set(_ key: Key, _ value: Value) {
        var isNew: Bool = true
        if let right = root.set(key, value, isNew: &isNew) {
            let left: Node = root
            // The first child's bound is not looked at; any key will do.
            root = .inner([Child(low: right.low, node: left), right])
        }
        if isNew { count += 1 }
    }

    mutating func remove(_ key: Key) {
        guard self[key] != nil else { return }
        root.remove(key)
        count -= 1
        while case .inner(let children) = root, children.count == 1 { root = children[0].node }
        if case .inner(let children) = root, children.isEmpty { root = .leaf([]) }
    }

    /// Calls `body` for each entry from `start` on, ascending, until it returns false.
    func forEach(from start: Key? = nil, _ body: (Key, Value) -> Bool) {
        _ = root.forEach(from: start, body)
    }
}

extension OrderedTree.Node {
    private static var largest: Int { 32 }

    /// The first entry that is not below `key`.
    static func position(in entries: [OrderedTree.Entry], of key: Key) -> Int {
        var low: Int = 0
        var high: Int = entries.count
        while low < high {
            let middle: Int = (low + high) / 2
            if entries[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The last child whose bound is not above `key`, or the first.
    static func child(of children: [OrderedTree.Child], for key: Key) -> Int {
        var low: Int = 1
        var high: Int = children.count
        while low < high {
            let middle: Int = (low + high) / 2
            if key < children[middle].low { high = middle } else { low = middle + 1 }
        }
        return low - 1
    }

    func value(of key: Key) -> Value? {
        switch self {
        case .inner(let children):
            return children[Self.child(of: children, for: key)].node.value(of: key)
        case .leaf(let entries):
            let index: Int = Self.position(in: entries, of: key)
            guard index < entries.count, entries[index].key == key else { return nil }
            return entries[index].value
        }
    }

    private var count: Int {
        switch self {
        case .leaf(let entries): entries.count
        case .inner(let children): children.count
        }
    }

    /// Returns the right half when this node had to be split.
    mutating func set(_ key: Key, _ value: Value, isNew: inout Bool) -> OrderedTree.Child? {
        // `self` is emptied while the array is changed, so that an array nobody else shares is not copied.
        switch self {
        case .leaf(var entries):
            self = .leaf([])
            let index: Int = Self.position(in: entries, of: key)
            if index < entries.count, entries[index].key == key {
                isNew = false
                entries[index].value = value
                self = .leaf(entries)
                return nil
            }
            entries.insert(OrderedTree.Entry(key: key, value: value), at: index)
            let right: [OrderedTree.Entry] = Self.split(&entries, appended: index == entries.count - 1)
            self = .leaf(entries)
            return right.first.map { OrderedTree.Child(low: $0.key, node: .leaf(right)) }
        case .inner(var children):
            self = .leaf([])
            let index: Int = Self.child(of: children, for: key)
            var right: [OrderedTree.Child] = []
            if let split = children[index].node.set(key, value, isNew: &isNew) {
                children.insert(split, at: index + 1)
                right = Self.split(&children, appended: index + 1 == children.count - 1)
            }
            self = .inner(children)
            return right.first.map { OrderedTree.Child(low: $0.low, node: .inner(right)) }
        }
    }

    /// Takes the upper half off an array that grew too long; only its last item when that was appended.
    private static func split<Item>(_ items: inout [Item], appended: Bool) -> [Item] {
        guard items.count > largest else { return [] }
        let cut: Int = appended ? largest : items.count / 2
        let right: [Item] = Array(items[cut...])
        items.removeSubrange(cut...)
        return right
    }

    /// Invariant: `key` is in this node.
    mutating func remove(_ key: Key) {
        switch self {
        case .leaf(var entries):
            self = .leaf([])
            entries.remove(at: Self.position(in: entries, of: key))
            self = .leaf(entries)
        case .inner(var children):
            self = .leaf([])
            let index: Int = Self.child(of: children, for: key)
            children[index].node.remove(key)
            Self.tidy(&children, at: index)
            self = .inner(children)
        }
    }

    /// Drops the child at `index` when it is empty, and merges it with a neighbour when it is small.
    private static func tidy(_ children: inout [OrderedTree.Child], at index: Int) {
        let count: Int = children[index].node.count
        if count == 0 {
            children.remove(at: index)
            return
        }
        guard count < largest / 4 else { return }
        for left in [index, index - 1] where left >= 0 && left + 1 < children.count {
            guard children[left].node.count + children[left + 1].node.count <= largest * 3 / 4 else { continue }
            let right: OrderedTree.Child = children.remove(at: left + 1)
            children[left].node.absorb(right)
            return
        }
    }

    private mutating func absorb(_ right: OrderedTree.Child) {
        switch (self, right.node) {
        case (.leaf(var entries), .leaf(let more)):
            entries.append(contentsOf: more)
            self = .leaf(entries)
        case (.inner(var children), .inner(var more)):
            // Keys below `more[0].low` may have gone into it while it was first; its parent's bound holds.
            more[0].low = right.low
            children.append(contentsOf: more)
            self = .inner(children)
        case (.leaf, .inner), (.inner, .leaf):
            preconditionFailure("leaves of an ordered tree are all at the same depth")
        }
    }

    func forEach(from start: Key?, _ body: (Key, Value) -> Bool) -> Bool {
        switch self {
        case .leaf(let entries):
            let first: Int = start.map { Self.position(in: entries, of: $0) } ?? 0
            for entry in entries[first...] {
                guard body(entry.key, entry.value) else { return false }
            }
        case .inner(let children):
            let first: Int = start.map { Self.child(of: children, for: $0) } ?? 0
            for index in first..<children.count {
                guard children[index].node.forEach(from: index == first ? start : nil, body) else { return false }
            }
        }
        return true
    }
}
