import HTTP
import JSON
import Model

@testable import Gateway

/// What a client may ask of a list: the query, its filters and their values, against rows that have everything.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
    guard let items = QueryItems(text),
        let query = try? CollectionQuery(items.items, fields: fields, now: 1_492_848_000_000)
    else { return 0 }
    guard query.limit >= 0, query.offset >= 0, query.end >= query.offset else { fatalError("\(query)") }
    for filter in query.filters {
        for value in values { _ = filter.matches(value) }
    }
    return 0
}

private let fields: [FieldDefinition] = Schemas.definition("container")?.fields ?? []

private let values: [JSONValue] = [
    .null, true, 0, -1, .int(.max), .int(.min), .double(0.5), "", "web", "w_b%", "\u{FFFD}", [], ["a", 1], [:],
    ["a": ["b": 1]],
]
