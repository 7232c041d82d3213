import JSON
import Model
import Store
import StoreFormat

/// A resource as the API knows it: what is wanted, what is observed and what follows from both, joined into one set
/// of values.
///
/// References are numbers and dates milliseconds here; ``Renderer`` makes a document of it.
struct Resource: Sendable {
    /// The most specific type.
    let definition: ResourceDefinition
    let number: UInt64
    /// By field name.
    let values: JSONObject
    /// The members of the desired record.
    let stored: JSONObject
    /// The desired record itself.
    let record: Record

    var state: String { values["state"]?.string ?? "" }
    var isRemoved: Bool { !(values["removed"]?.isNull ?? true) }
    /// The environment that owns it; nil for what belongs to the cluster.
    var accountID: UInt64? { values["accountId"]?.int.flatMap { UInt64(exactly: $0) } }

    init(definition: ResourceDefinition, number: UInt64, values: JSONObject, stored: JSONObject, record: Record) {
        self.definition = definition
        self.number = number
        self.values = values
        self.stored = stored
        self.record = record
    }

    /// Joins the records of one resource; nil when the bytes are no document or the type is unknown here.
    ///
    /// - Parameter written: the members of the record at some revision, if they are known.
    init?(_ record: Record, in view: StoreView, _ written: Changing.Written? = nil) {
        let known: JSONObject? = written.flatMap { $0.revision == record.revision ? $0.fields : nil }
        guard let object: JSONObject = known ?? (try? JSONReader.parse(record.document).object),
            let definition: ResourceDefinition = Schemas.definition(
                for: record.key.table,
                kind: object["kind"]?.string ?? ""
            )
        else { return nil }
        self.definition = definition
        self.record = record
        stored = object
        number = record.key.number
        var values: JSONObject = object
        if let table: Table = definition.observedTable,
            let observed: Record = view.get(RecordKey(table, number)),
            let reported: JSONObject = try? JSONReader.parse(observed.document).object
        {
            for field in definition.fields where field.source == .observed {
                values[field.name] = reported[field.name] ?? .null
            }
            ComputedFields.add(to: &values, definition, number, observed: reported, in: view)
        } else {
            ComputedFields.add(to: &values, definition, number, observed: nil, in: view)
        }
        self.values = values
    }

    /// The resource of a table with that number, of type `definition` or a subtype; nil when there is none.
    static func find(
        _ definition: ResourceDefinition,
        _ number: UInt64,
        in view: StoreView,
        _ written: Changing.Written? = nil
    ) -> Resource? {
        guard let table: Table = definition.table,
            let record: Record = view.get(RecordKey(table, number))
                ?? (table == .roleTemplate ? BuiltInTemplates.record(number) : nil),
            let resource = Resource(record, in: view, written),
            Schemas.isType(resource.definition.name, kindOf: definition.name)
        else { return nil }
        return resource
    }
}
