/// A table of the replicated state.
///
/// The store knows nothing about it but its number.
///
/// The numbers are part of every stored byte: they are assigned in `Model/Records/Tables.swift`, never reused.
package struct Table: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package var rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static func < (left: Table, right: Table) -> Bool { left.rawValue < right.rawValue }
    package var description: String { "table \(rawValue)" }
}

/// What a record is found by.
///
/// Numbers come from one counter for the whole cluster.
package struct RecordKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var table: Table
    package var number: UInt64

    package init(_ table: Table, _ number: UInt64) {
        self.table = table
        self.number = number
    }

    package static func < (left: RecordKey, right: RecordKey) -> Bool {
        left.table == right.table ? left.number < right.number : left.table < right.table
    }

    package var description: String { "\(table)/\(number)" }
}

/// The Raft index of the entry that last changed something; 0 is "before everything".
package typealias Revision = UInt64
