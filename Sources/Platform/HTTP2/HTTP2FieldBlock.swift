/// Header fields in their order, as bytes and where they stand in them (RFC 9113, section 8.2).
package struct HTTP2FieldBlock: Sendable {
    package struct Field: Sendable {
        package var name: Range<Int>
        package var value: Range<Int>
    }

    package private(set) var bytes: [UInt8] = []
    package private(set) var fields: [Field] = []

    package init() {}

    package mutating func append(_ name: some Collection<UInt8>, _ value: some Collection<UInt8>) {
        let start: Int = bytes.count
        bytes.append(contentsOf: name)
        let middle: Int = bytes.count
        bytes.append(contentsOf: value)
        fields.append(Field(name: start..<middle, value: middle..<bytes.count))
    }

    package mutating func append(_ name: String, _ value: String) { append(name.utf8, value.utf8) }

    package func name(_ field: Field) -> ArraySlice<UInt8> { bytes[field.name] }
    package func value(_ field: Field) -> ArraySlice<UInt8> { bytes[field.value] }
}
