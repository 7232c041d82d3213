import Bytes
import Crypto
import JSON
import Limits

/// The lines of a node's trail: each ends in a hash that is made of the one before and of the line.
///
/// Shape: `{"seq":7,"time":…,"event":"…",…,"hash":"<64 hexadecimal digits>"}`. A file `trail-<first seq, 16 digits>.jsonl` begins with
/// the event `trail.begin`, which names the last hash of the file before.
enum TrailLine {
    static let start: [UInt8] = SHA256.hash(Array("drover trail".utf8))
    private static let key: [UInt8] = Array(#","hash":""#.utf8)
    /// The key, the digits, a quote and a brace.
    private static let tailBytes: Int = key.count + 64 + 2

    /// The line with its end, and its hash.
    static func make(_ event: JSONObject, sequence: UInt64, time: Int64, after: [UInt8]) -> (
        bytes: [UInt8], hash: [UInt8]
    ) {
        var object: JSONObject = ["seq": JSONValue(sequence), "time": .int(time)]
        for (name, value) in event where object[name] == nil && name != "hash" { object.append(name, value) }
        var bytes: [UInt8] = JSONWriter.bytes(.object(object))
        bytes.removeLast()
        let hash: [UInt8] = SHA256.hash(after + bytes)
        bytes += key + Array(Hex.encode(hash).utf8) + Array("\"}\n".utf8)
        return (bytes, hash)
    }

    /// What a line says, and whether its hash fits.
    ///
    /// - Parameter line: without its end.
    static func read(_ line: ArraySlice<UInt8>, after: [UInt8]) -> (event: JSONObject, hash: [UInt8], fits: Bool)? {
        guard line.count > tailBytes, let object: JSONObject = (try? JSONReader.parse(Array(line)))?.object,
            let text: String = object["hash"]?.string, let stored: [UInt8] = Hex.decode(text), stored.count == 32
        else { return nil }
        let body: ArraySlice<UInt8> = line.dropLast(tailBytes)
        let isInPlace: Bool = line.dropFirst(body.count).prefix(key.count).elementsEqual(key)
        return (object, stored, isInPlace && SHA256.hash(after + body) == stored)
    }

    static func fileName(_ sequence: UInt64) -> String {
        let digits = String(sequence)
        return "trail-\(String(repeating: "0", count: max(0, 16 - digits.count)))\(digits).jsonl"
    }

    static func isFile(_ name: String) -> Bool {
        name.hasPrefix("trail-") && name.hasSuffix(".jsonl") && name.utf8.count == "trail-.jsonl".utf8.count + 16
    }
}

/// What came of going along a node's trail.
package struct TrailVerdict: Hashable, Sendable {
    package var files: Int = 0
    package var lines: Int = 0
    package var from: UInt64 = 0
    package var to: UInt64 = 0
    package var head: String = ""
    /// Lines that were lost before they were written, as the trail itself says.
    package var dropped: UInt64 = 0
    /// nil when nothing is wrong.
    package var problem: String?
}
