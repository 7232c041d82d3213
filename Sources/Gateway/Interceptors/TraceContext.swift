import Bytes
import Crypto
import HTTP

/// Which trace a request belongs to (W3C Trace Context, `traceparent`).
///
/// A client's valid one is carried on; else the trace has an id made of the request's own.
struct TraceContext: Hashable, Sendable {
    /// 32 hexadecimal digits, not all zero.
    var traceID: String
    /// `01` when the caller records.
    var flags: String

    init(_ headers: HTTPHeaders, requestID: String) {
        if let given: TraceContext = .given(headers) {
            self = given
        } else {
            traceID = "\(requestID)\(requestID)"
            flags = "00"
        }
    }

    /// The client's own; nil where it has none.
    static func given(_ headers: HTTPHeaders) -> TraceContext? { headers["traceparent"].flatMap { TraceContext($0) } }

    /// nil for what is none: then it is as if there were none.
    init?(_ text: String) {
        let parts: [Substring] = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].utf8.count == 2, parts[0] != "ff", parts[0] == "00" ? parts.count == 4 : true,
            parts[1].utf8.count == 32, parts[2].utf8.count == 16, parts[3].utf8.count == 2,
            parts[..<4].allSatisfy({ $0.utf8.allSatisfy(Self.isHex) }), parts[1].contains(where: { $0 != "0" }),
            parts[2].contains(where: { $0 != "0" })
        else { return nil }
        traceID = String(parts[1])
        flags = String(parts[3])
    }

    /// For a call of ours: the same trace, another part of it.
    func outgoing() -> String { "00-\(traceID)-\(Hex.encode(SecureRandom.identifier()))-\(flags)" }

    /// The same, appended.
    ///
    /// - Parameter given: the client's own.
    static func writeOutgoing(_ given: TraceContext?, requestID: UInt64, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "00-".utf8)
        if let given {
            bytes.append(contentsOf: given.traceID.utf8)
        } else {
            for _ in 0..<2 { Hex.append(requestID, to: &bytes) }
        }
        bytes.append(UInt8(ascii: "-"))
        Hex.append(SecureRandom.identifier(), to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(contentsOf: (given?.flags ?? "00").utf8)
    }

    private static func isHex(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }
}
