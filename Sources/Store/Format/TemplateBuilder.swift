extension Template {
    /// Puts a template together from literal bytes and numbers that may not be known yet.
    ///
    /// A proposer that writes a document with references runs its JSON writer over the literal parts
    /// and calls ``append(number:)`` where a reference belongs.
    package struct Builder: Sendable {
        package private(set) var template: Template

        package init(reservingCapacity capacity: Int = 0) {
            template = Template(bytes: [])
            template.bytes.reserveCapacity(capacity)
        }

        package mutating func append(_ bytes: some Collection<UInt8>) {
            template.bytes.append(contentsOf: bytes)
        }

        package mutating func append(_ text: String) {
            template.bytes.append(contentsOf: text.utf8)
        }

        /// The decimal digits of a known number, or a hole for one that apply will allocate.
        package mutating func append(number: NumberReference) {
            switch number {
            case .known(let value): append(String(value))
            case .created(let index):
                template.holes.append(Hole(offset: template.bytes.count, created: index))
            }
        }

        /// Another template, holes and all.
        package mutating func append(_ other: Template) {
            let base: Int = template.bytes.count
            template.bytes.append(contentsOf: other.bytes)
            for hole in other.holes {
                template.holes.append(Hole(offset: base + hole.offset, created: hole.created))
            }
        }
    }
}
