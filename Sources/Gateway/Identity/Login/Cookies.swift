import HTTP

/// The cookies of a request (RFC 6265, section 5.4).
enum Cookies {
    /// The first cookie of that name; browsers send the most specific one first.
    static func value(_ name: String, _ headers: HTTPHeaders) -> String? {
        guard headers.contains("cookie") else { return nil }
        for header in headers.all("cookie") {
            for pair in header.split(separator: ";") {
                let trimmed: Substring = pair.drop { $0 == " " }
                guard trimmed.hasPrefix(name), trimmed.dropFirst(name.count).first == "=" else { continue }
                var value: Substring = trimmed.dropFirst(name.count + 1)
                while value.last == " " { value.removeLast() }
                if value.first == "\"", value.last == "\"", value.count >= 2 { value = value.dropFirst().dropLast() }
                return String(value)
            }
        }
        return nil
    }
}
