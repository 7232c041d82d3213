import Model

/// A numeric address as its bytes: 4, or 16; one of the second kind that stands for one of the first is that.
struct NumericAddress: Hashable, Sendable {
    let bytes: [UInt8]

    /// nil for anything but the strict spellings.
    init?(_ text: String) {
        if InternetAddress.isIPv4(text) {
            bytes = text.split(separator: ".").compactMap { UInt8($0) }
            return
        }
        guard InternetAddress.isIPv6(text) else { return nil }
        var head: [UInt8] = []
        var tail: [UInt8] = []
        let halves: [String] = text.contains("::") ? Self.halves(text) : [text]
        for (place, half) in halves.enumerated() {
            for group in half.split(separator: ":") {
                let made: [UInt8] =
                    group.contains(".")
                    ? group.split(separator: ".").compactMap { UInt8($0) }
                    : UInt16(group, radix: 16).map { [UInt8($0 >> 8), UInt8($0 & 255)] } ?? []
                if place == 0 { head += made } else { tail += made }
            }
        }
        guard head.count + tail.count <= 16 else { return nil }
        let all: [UInt8] = head + Array(repeating: 0, count: 16 - head.count - tail.count) + tail
        // ::ffff:a.b.c.d, and 64:ff9b::a.b.c.d, are ways to reach a.b.c.d.
        let isMapped: Bool = all[..<10].allSatisfy { $0 == 0 } && all[10] == 0xFF && all[11] == 0xFF
        let isTranslated: Bool = all[..<4] == [0, 0x64, 0xFF, 0x9B] && all[4..<12].allSatisfy { $0 == 0 }
        bytes = isMapped || isTranslated ? Array(all[12...]) : all
    }

    private static func halves(_ text: String) -> [String] {
        guard let mark = text.firstRange(of: "::") else { return [text] }
        return [String(text[..<mark.lowerBound]), String(text[mark.upperBound...])]
    }
}

/// A block of addresses: `169.254.0.0/16`, or one address.
struct AddressRange: Hashable, Sendable {
    let text: String
    private let bytes: [UInt8]
    private let length: Int

    init?(_ text: String) {
        let parts: [Substring] = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = NumericAddress(String(parts[0])) else { return nil }
        let whole: Int = address.bytes.count * 8
        guard let length: Int = parts.count == 2 ? Int(parts[1]) : whole, (0...whole).contains(length) else {
            return nil
        }
        self.text = text
        bytes = address.bytes
        self.length = length
    }

    func contains(_ address: NumericAddress) -> Bool {
        guard address.bytes.count == bytes.count else { return false }
        for bit in 0..<length where (bytes[bit / 8] ^ address.bytes[bit / 8]) >> UInt8(7 - bit % 8) & 1 == 1 {
            return false
        }
        return true
    }
}

/// Which addresses this server calls on somebody's word.
///
/// Interceptors and providers may live beside the server, so that loopback and private addresses are allowed; what answers
/// to everybody on a link is not: there clouds hand out credentials.
enum AddressRule {
    private static let refused: [(AddressRange, String)] = [
        ("0.0.0.0/8", "it is no address of a host"),
        ("169.254.0.0/16", "link-local addresses, where clouds hand out credentials, are not called"),
        ("100.100.100.200/32", "a cloud hands out credentials there"),
        ("192.0.0.192/32", "a cloud hands out credentials there"),
        ("224.0.0.0/4", "it is a multicast address"),
        ("240.0.0.0/4", "it is a reserved or broadcast address"),
        ("::/128", "it is no address of a host"),
        ("fe80::/10", "link-local addresses are not called"),
        ("fd00:ec2::254/128", "a cloud hands out credentials there"),
        ("ff00::/8", "it is a multicast address"),
    ].compactMap { text, reason in AddressRange(text).map { ($0, reason) } }

    /// Why `address` is not called; nil when it may be.
    static func refusal(of address: String, allowed: [AddressRange]) -> String? {
        guard let numeric = NumericAddress(address) else { return "\(address) is no numeric address" }
        guard let found = refused.first(where: { $0.0.contains(numeric) }),
            !allowed.contains(where: { $0.contains(numeric) })
        else { return nil }
        return "\(address): \(found.1)"
    }
}
