internal import Glibc

/// What a server's certificate must be for.
enum ServerName: Sendable {
    /// A host name: asked for by SNI, checked against DNS names.
    case dns(String)
    /// A numeric address: never sent, checked against addresses.
    case address(String)

    var text: String {
        switch self {
        case .dns(let text), .address(let text): text
        }
    }

    init(_ text: String) throws(TLSFault) {
        var name: Substring = text[...]
        if name.hasSuffix(".") { name = name.dropLast() }
        // A NUL would end the name for C, and make it another one.
        guard (1...253).contains(name.utf8.count), name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw TLSFault(
                .connecting,
                .configuration,
                "'\(text)' is not a host name or address that a certificate could be for"
            )
        }
        var bytes = in6_addr()
        let literal = String(name)
        if inet_pton(AF_INET, literal, &bytes) == 1 || inet_pton(AF_INET6, literal, &bytes) == 1 {
            self = .address(literal)
        } else {
            self = .dns(literal)
        }
    }
}
