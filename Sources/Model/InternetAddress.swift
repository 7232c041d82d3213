/// Tells whether a text is an address, without asking the system.
package enum InternetAddress {
    /// Four decimal numbers up to 255 without leading zeros (RFC 6943, section 3.1.1: the strict form).
    package static func isIPv4(_ text: some StringProtocol) -> Bool {
        let parts: [[UInt8]] = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map {
            Array($0)
        }
        return parts.count == 4
            && parts.allSatisfy { part in
                guard (1...3).contains(part.count), part.count == 1 || part[0] != UInt8(ascii: "0") else {
                    return false
                }
                var number: Int = 0
                for digit in part {
                    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return false }
                    number = number * 10 + Int(digit - UInt8(ascii: "0"))
                }
                return number <= 255
            }
    }

    /// Eight groups of up to four hexadecimal digits, one run of zero groups as `::`, and possibly an IPv4 address as
    /// the last two groups (RFC 4291, section 2.2).
    ///
    /// No zone.
    package static func isIPv6(_ text: some StringProtocol) -> Bool {
        let string = String(text)
        let halves: [String] = splitAtDoubleColon(string)
        guard halves.count <= 2 else { return false }
        var groups: Int = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let parts: [Substring] = half.split(separator: ":", omittingEmptySubsequences: false)
            for (place, part) in parts.enumerated() {
                let isLast: Bool = index == halves.count - 1 && place == parts.count - 1
                if isLast, part.contains("."), isIPv4(part) {
                    groups += 2
                } else {
                    guard (1...4).contains(part.utf8.count), part.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
                        return false
                    }
                    groups += 1
                }
            }
        }
        return halves.count == 2 ? groups <= 7 : groups == 8
    }

    private static func splitAtDoubleColon(_ text: String) -> [String] {
        var halves: [String] = [""]
        var previousWasColon = false
        for character in text {
            if character == ":", previousWasColon {
                halves[halves.count - 1].removeLast()
                halves.append("")
                previousWasColon = false
            } else {
                halves[halves.count - 1].append(character)
                previousWasColon = character == ":"
            }
        }
        return halves
    }
}
