import Authority

/// What a node may be called: a DNS label in lower case, for it stands in certificates and host names.
package enum NodeName {
    package static func isValid(_ name: String) -> Bool {
        (1...63).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            } && !name.hasPrefix("-") && !name.hasSuffix("-")
    }

    /// Whether others can reach a node under this: a host name or a numeric address, without a port.
    package static func isHost(_ host: String) -> Bool { NetworkPlace.isAddress(host) || NetworkPlace.isName(host) }
}
