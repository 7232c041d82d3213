/// Records at one revision, for rooms that read state and need not know the store.
package protocol RecordReading {
    func get(_ key: RecordKey) -> Record?
    /// The numbers of the table's records that carry an index term, ascending.
    func numbers(_ table: Table, term: [UInt8]) -> [UInt64]
}
