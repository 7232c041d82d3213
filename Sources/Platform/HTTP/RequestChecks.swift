/// Rules that a request's head must meet besides its grammar.
enum RequestChecks {
    /// Exactly one valid Host (RFC 9112, section 3.2); an absolute target must name the same.
    static func host(of request: HTTPRequest) throws(HTTPRefusal) {
        let count: Int = request.headers.occurrences("host")
        guard count <= 1 else { throw HTTPRefusal(400, "several Host fields") }
        guard count == 1 || request.minorVersion == 0 else { throw HTTPRefusal(400, "no Host field") }
        let host: ArraySlice<UInt8> = request.headers.valueBytes("host") ?? []
        guard host.allSatisfy(CharacterClass.isHost) else {
            throw HTTPRefusal(400, "Host is not a host with an optional port")
        }
        guard !request.target.hasPrefix("/"), let scheme = request.target.firstRange(of: "://") else { return }
        let authority: Substring = request.target[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
        guard !authority.isEmpty, count == 0 || authority.utf8.elementsEqual(host) else {
            throw HTTPRefusal(400, "the host of the target differs from Host")
        }
    }

    /// Whether the sender waits for `100 Continue`; no other expectation can be met (RFC 9110, section 10.1.1).
    static func expectsContinue(_ request: HTTPRequest) throws(HTTPRefusal) -> Bool {
        guard request.minorVersion >= 1, request.headers.contains("expect") else { return false }
        guard request.headers.occurrences("expect") == 1, request.headers.value(of: "expect", is: "100-continue") else {
            throw HTTPRefusal(417, "an expectation other than 100-continue")
        }
        return true
    }
}
