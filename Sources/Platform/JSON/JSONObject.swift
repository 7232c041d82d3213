/// The members of a JSON object in the order in which they were written; each key stands once.
///
/// Lookup is a linear search: API documents have tens of members, and for those it beats a hash table.
/// Equality and hashing ignore the order.
package struct JSONObject: Sendable {
    package private(set) var keys: [String] = []
    package private(set) var values: [JSONValue] = []

    package init() {}

    package var count: Int { keys.count }
    package var isEmpty: Bool { keys.isEmpty }

    /// Setting nil removes the member; setting a new key appends it.
    package subscript(key: String) -> JSONValue? {
        get {
            guard let index = keys.firstIndex(of: key) else { return nil }
            return values[index]
        }
        set {
            let index: Int? = keys.firstIndex(of: key)
            switch (index, newValue) {
            case (let index?, let value?): values[index] = value
            case (let index?, nil):
                keys.remove(at: index)
                values.remove(at: index)
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
    }

    /// Makes room for so many members.
    package mutating func reserve(_ count: Int) {
        keys.reserveCapacity(count)
        values.reserveCapacity(count)
    }

    /// Appends without looking for the key: the caller knows that it is new.
    package mutating func append(_ key: String, _ value: JSONValue) {
        keys.append(key)
        values.append(value)
    }

    /// The same members, keys ascending by UTF-8 bytes: for hashes and golden files.
    package func sorted() -> JSONObject {
        var object = JSONObject()
        for (key, value) in zip(keys, values).sorted(by: { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }) {
            object.append(key, value)
        }
        return object
    }
}

extension JSONObject: Sequence {
    package func makeIterator() -> Zip2Sequence<[String], [JSONValue]>.Iterator {
        zip(keys, values).makeIterator()
    }
}

extension JSONObject: Hashable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        // Mostly both were made by the same code, in the same order.
        if left.keys == right.keys { return left.values == right.values }
        // A search for each key is quadratic, and a sender of large objects knows that.
        guard left.count > 32 else { return left.allSatisfy { right[$0.0] == $0.1 } }
        let members: [String: JSONValue] = Dictionary(zip(right.keys, right.values)) { first, _ in first }
        return left.allSatisfy { members[$0.0] == $0.1 }
    }

    package func hash(into hasher: inout Hasher) {
        // A sum, because it must not depend on the order, not even on one that sorting would give: keys that are
        // equal as strings may differ in their bytes.
        var sum: Int = 0
        for (key, value) in self {
            var member: Hasher = Hasher()
            member.combine(key)
            member.combine(value)
            sum &+= member.finalize()
        }
        hasher.combine(count)
        hasher.combine(sum)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }
}
