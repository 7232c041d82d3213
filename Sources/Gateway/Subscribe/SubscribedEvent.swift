import Bytes
import Crypto
import JSON
import WebSocket

/// The frames of a subscription (contract A12): every member is there, null where it says nothing.
enum SubscribedEvent {
    static let logout = ServerTextFrame(Array(#"{"name":"logout"}"#.utf8))

    static func ping(time: Int64) -> ServerTextFrame {
        ServerTextFrame(bytes("ping", data: ["options": [:]], time: time))
    }

    static func resourceChange(type: String, id: String, document: JSONObject, time: Int64) -> [UInt8] {
        bytes("resource.change", type: type, id: id, data: ["resource": .object(document)], time: time)
    }

    private static func bytes(
        _ name: String,
        type: String? = nil,
        id: String? = nil,
        data: JSONValue,
        time: Int64
    ) -> [UInt8] {
        let event: JSONValue = .object([
            "id": .string(Hex.encode(SecureRandom.bytes(16))), "name": .string(name), "resourceType": JSONValue(type),
            "resourceId": JSONValue(id), "time": .int(time), "data": data, "previousIds": nil,
            "previousNames": nil, "publisher": nil, "replyTo": nil, "transitioning": nil, "transitioningMessage": nil,
            "transitioningInternalMessage": nil, "transitioningProgress": nil, "timeoutMillis": nil,
            "listenerKey": nil, "context": nil,
        ])
        return JSONWriter.bytes(event)
    }
}
