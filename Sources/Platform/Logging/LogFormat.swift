import JSON
import Limits

/// How a record becomes one line.
///
/// Whatever a record holds, its line holds no line break, no terminal control and no invisible character that
/// reorders text: such characters are escaped. So data cannot forge a record or repaint a terminal.
package enum LogFormat: String, CaseIterable, Sendable {
    /// One JSON object a line; metadata keys stand beside `time`, `level`, `label` and `message`.
    case json
    /// `key=value` pairs; a value stands in quotes, escaped as in JSON, when it is not plain.
    case text

    /// The record in UTF-8, with its line feed.
    package func line(_ record: LogRecord) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(256)
        switch self {
        case .json: Self.appendJSON(record, to: &line)
        case .text: Self.appendText(record, to: &line)
        }
        line = Self.escapingInvisible(line)
        line.append(UInt8(ascii: "\n"))
        return line
    }

    private static func members(_ record: LogRecord) -> JSONObject {
        var object: JSONObject = [
            "time": .string(record.time.description), "level": .string(record.level.rawValue),
            "label": .string(bounded(record.label)), "message": .string(bounded(record.message)),
        ]
        let own: Int = object.count
        for (key, value) in record.metadata.prefix(Limits.logMetadataCount) {
            // Data must not pass for the record's own members.
            let isOwn: Bool = object.keys.prefix(own).contains(key)
            object[isOwn ? "field.\(key)" : bounded(key)] = bounded(value)
        }
        let omitted: Int = record.metadata.count - Limits.logMetadataCount
        if omitted > 0 { object["log.omitted"] = JSONValue(omitted) }
        return object
    }

    private static func bounded(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): return .string(bounded(text))
        case .array, .object:
            let bytes: [UInt8] = JSONWriter.bytes(value)
            return bytes.count <= Limits.logValueBytes
                ? value : .string(bounded(String(decoding: bytes, as: UTF8.self)))
        default: return value
        }
    }

    private static func bounded(_ text: String) -> String {
        guard text.utf8.count > Limits.logValueBytes else { return text }
        let kept = String(decoding: text.utf8.prefix(Limits.logValueBytes), as: UTF8.self)
        return "\(kept)… (\(text.utf8.count) bytes)"
    }

    private static func appendJSON(_ record: LogRecord, to line: inout [UInt8]) {
        JSONWriter.append(.object(members(record)), to: &line)
    }

    private static func appendText(_ record: LogRecord, to line: inout [UInt8]) {
        for (key, value) in members(record) {
            if !line.isEmpty { line.append(UInt8(ascii: " ")) }
            line.append(contentsOf: key.utf8.map { isPlain($0) ? $0 : UInt8(ascii: "_") })
            line.append(UInt8(ascii: "="))
            switch value {
            case .string(let text) where !text.isEmpty && text.utf8.allSatisfy(isPlain):
                line.append(contentsOf: text.utf8)
            case .array, .object:
                JSONWriter.appendString(String(decoding: JSONWriter.bytes(value), as: UTF8.self), to: &line)
            default: JSONWriter.append(value, to: &line)
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "@"), UInt8(ascii: "+"), UInt8(ascii: "<"),
            UInt8(ascii: ">"):
            true
        default: false
        }
    }

    /// Escapes what the JSON writer leaves as it is but a terminal or a reader would act on.
    ///
    /// Works on whole lines because such characters occur in quoted strings only.
    private static func escapingInvisible(_ line: [UInt8]) -> [UInt8] {
        // All of them begin with one of three bytes, and most lines have none.
        guard line.contains(where: { $0 == 0x7F || $0 == 0xC2 || $0 == 0xE2 || $0 == 0xEF }) else { return line }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(line.count)
        for scalar in String(decoding: line, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x7F...0x9F, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF:
                let digits = String(scalar.value, radix: 16)
                escaped.append(contentsOf: "\\u".utf8)
                escaped.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count))
                escaped.append(contentsOf: digits.utf8)
            default: escaped.append(contentsOf: String(scalar).utf8)
            }
        }
        return escaped
    }
}
