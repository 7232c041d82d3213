import StoreFormat

/// Bytes as a key: compared byte by byte, the shorter first when one begins the other.
struct ByteKey: Comparable, Sendable {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func < (left: ByteKey, right: ByteKey) -> Bool {
        precedes(left.bytes, right.bytes) == .before
    }

    enum Order { case before, same, after }

    static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Order {
        let shared: Int = min(left.count, right.count)
        var index: Int = 0
        while index < shared {
            let (a, b): (UInt8, UInt8) = (left[index], right[index])
            if a != b { return a < b ? .before : .after }
            index += 1
        }
        if left.count == right.count { return .same }
        return left.count < right.count ? .before : .after
    }
}

/// One record under one of its terms.
struct TermKey: Comparable, Sendable {
    var table: Table
    var term: [UInt8]
    var number: UInt64

    static func < (left: TermKey, right: TermKey) -> Bool {
        if left.table != right.table { return left.table < right.table }
        switch ByteKey.precedes(left.term, right.term) {
        case .before: return true
        case .after: return false
        case .same: return left.number < right.number
        }
    }
}

/// One stored reply of a session.
struct ReplyKey: Comparable, Sendable {
    var session: SessionID
    var sequence: UInt64

    static func < (left: ReplyKey, right: ReplyKey) -> Bool {
        left.session == right.session ? left.sequence < right.sequence : left.session < right.session
    }
}

/// The value of a tree that is only a set.
struct Present: Sendable {}

/// A record behind one reference, so that nodes of a tree are copied without touching its parts.
final class StoredRecord: Sendable {
    let record: Record

    init(_ record: Record) { self.record = record }
}
