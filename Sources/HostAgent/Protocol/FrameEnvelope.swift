import JSON
import Limits

/// What all frames have in common: `{"v":1,"type":…,"incarnation":"<hex>","epoch":n,"revision":n, …}`.
struct FrameEnvelope {
    /// Of the protocol; a frame of a later one is refused, since its meaning may differ.
    static let version: UInt64 = 1

    var stamp: FrameStamp
    var type: String
    var members: FrameMembers

    init(decoding bytes: [UInt8]) throws(FrameError) {
        guard bytes.count <= Limits.hostFrameBytes else {
            throw FrameError("frame: \(bytes.count) bytes, at most \(Limits.hostFrameBytes) are taken")
        }
        let value: JSONValue
        do {
            value = try JSONReader.parse(bytes)
        } catch {
            throw FrameError("frame: \(error)")
        }
        let outer: FrameMembers = try FrameMembers(value, at: "frame")
        let version: UInt64 = try outer.count("v")
        guard version == Self.version else {
            throw FrameError("frame: version \(version) is not known, this build speaks \(Self.version)")
        }
        type = try outer.text("type")
        stamp = FrameStamp(
            incarnation: try outer.text("incarnation"),
            epoch: try outer.count("epoch"),
            revision: try outer.count("revision")
        )
        let isHex: Bool = stamp.incarnation.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
            default: false
            }
        }
        guard isHex, stamp.incarnation.utf8.count <= 64 else {
            throw FrameError("frame.incarnation: expected at most 64 lower-case hexadecimal digits")
        }
        members = FrameMembers(outer.object, at: type)
    }

    static func encode(_ type: String, _ stamp: FrameStamp, _ append: (inout JSONObject) -> Void) -> [UInt8] {
        var object: JSONObject = [
            "v": JSONValue(version), "type": .string(type), "incarnation": .string(stamp.incarnation),
            "epoch": JSONValue(stamp.epoch), "revision": JSONValue(stamp.revision),
        ]
        append(&object)
        return JSONWriter.bytes(.object(object))
    }
}
