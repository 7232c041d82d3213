/// The `name=value` pairs of a query, in order; a name may come several times.
package struct QueryItems: Sendable, Equatable {
    package struct Item: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var items: [Item]

    package init(items: [Item] = []) {
        self.items = items
    }

    /// Decodes a query without its `?`; `+` is a space; nil when an escape or its UTF-8 is invalid.
    package init?(_ query: String) {
        items = []
        for part in query.utf8.split(separator: UInt8(ascii: "&")) {
            let equals: Substring.UTF8View.Index = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            let rest: Substring.UTF8View.SubSequence = part[equals...].dropFirst()
            guard let name = PercentCoding.decode(part[..<equals], plusIsSpace: true),
                let value = PercentCoding.decode(rest, plusIsSpace: true)
            else { return nil }
            items.append(Item(name, value))
        }
    }

    /// The first value of that name.
    package subscript(name: String) -> String? {
        items.first { $0.name == name }?.value
    }

    package func all(_ name: String) -> [String] {
        items.filter { $0.name == name }.map(\.value)
    }

    /// As it stands behind the `?` of a URL.
    package var encoded: String {
        items.map { "\(PercentCoding.encode($0.name))=\(PercentCoding.encode($0.value))" }.joined(separator: "&")
    }
}
