package import StoreFormat

import JSON

/// What one instance takes of a host, from the transaction that places it on.
package struct HostClaim: Hashable, Sendable {
    package var instance: NumberReference
    /// Canonical host ports, such as `0.0.0.0:8080/tcp`.
    package var ports: [String]

    package init(instance: NumberReference, ports: [String]) {
        self.instance = instance
        self.ports = ports
    }
}

extension RecordWriting {
    /// A write of a host's reservations with `claims` added.
    ///
    /// The claims may be of instances that this very transaction creates, whose numbers stand inside the members
    /// `ports` and `instances`; so this record has holes where ``put(_:_:_:references:scope:)`` cannot make any.
    package static func put(
        _ reservation: HostReservation,
        of host: UInt64,
        adding claims: [HostClaim],
        scope: NumberReference
    ) -> Write {
        var holders: [(port: String, holder: NumberReference)] =
            reservation.ports.map { (port: $0.key, holder: NumberReference.known($0.value)) }
        for claim in claims { holders += claim.ports.map { (port: $0, holder: claim.instance) } }
        holders.sort { $0.port < $1.port }
        // Numbers that are not allocated yet are greater than all others and ascend with their index.
        let instances: [NumberReference] =
            reservation.instances.map { .known($0) } + claims.map(\.instance).sorted { order($0) < order($1) }

        var document = Template("{")
        for (name, value) in reservation.fields where name != "ports" && name != "instances" {
            JSONWriter.appendString(name, to: &document.bytes)
            document.bytes.append(UInt8(ascii: ":"))
            JSONWriter.append(value, to: &document.bytes)
            document.bytes.append(UInt8(ascii: ","))
        }
        document.append("\"ports\":{")
        for (index, entry) in holders.enumerated() {
            if index > 0 { document.append(",") }
            JSONWriter.appendString(entry.port, to: &document.bytes)
            document.append(":")
            document.append(entry.holder)
        }
        document.append("},\"instances\":[")
        for (index, instance) in instances.enumerated() {
            if index > 0 { document.append(",") }
            document.append(instance)
        }
        document.append("]}")
        return .put(
            RecordWrite(table: .hostReservation, number: .known(host), scope: scope, document: document)
        )
    }

    /// Known numbers by value, then those to come by index.
    private static func order(_ reference: NumberReference) -> (Int, UInt64) {
        switch reference {
        case .known(let number): (0, number)
        case .created(let index): (1, UInt64(clamping: index))
        }
    }
}

extension Template {
    fileprivate mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    fileprivate mutating func append(_ reference: NumberReference) {
        switch reference {
        case .known(let number): append(String(number))
        case .created(let index): holes.append(Hole(offset: bytes.count, created: index))
        }
    }
}
