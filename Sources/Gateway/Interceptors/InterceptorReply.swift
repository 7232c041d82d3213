import JSON

/// What an interceptor said, judged: what comes of it for the request (contract A20).
enum InterceptorVerdict: Sendable {
    /// The message as it goes on; the same as before when nothing was changed.
    case proceed(InterceptedMessage, changes: [JSONValue])
    case deny(status: Int, message: String)
    /// The answer cannot be used: what comes of that, the failure policy says.
    case unusable(String)
}

enum InterceptorReply {
    static func judge(
        status: Int,
        body: [UInt8],
        of rule: InterceptorRule,
        _ message: InterceptedMessage
    ) -> InterceptorVerdict {
        let document: JSONObject? = body.isEmpty ? nil : (try? JSONReader.parse(body))?.object
        if let uuid: String = document?["UUID"]?.string ?? document?["uuid"]?.string, uuid != message.uuid {
            return .unusable("it answers another request: its UUID is not the one that it was sent")
        }
        guard status == 200 else {
            let text: String =
                document?["message"]?.string
                ?? "Error response while processing the interceptor endpoint \(rule.endpoint?.authority ?? "")"
            return .deny(status: status, message: String(text.prefix(1_024)))
        }
        guard let document else { return .proceed(message, changes: []) }
        var after: InterceptedMessage = message
        switch document["body"] {
        case .object(let object)?:
            after.body = rule.passesSecrets ? object : SecretMask.restored(object, from: message.body ?? [:])
            // Nothing before and nothing after is no change.
            if object.isEmpty, message.body == nil { after.body = nil }
        case nil, .null?: break
        default: return .unusable("the body that it answers is no object")
        }
        switch document["headers"] {
        case .object(let object)?:
            guard let headers = HeaderLists(object) else {
                return .unusable("the headers that it answers are not names with lists of strings")
            }
            for name in headers.names {
                let isChanged: Bool = headers[name] != InterceptorMessage.visible(message.headers, rule)[name]
                guard isChanged else { continue }
                guard !HeaderPolicy.isProtected(name) else {
                    return .unusable(
                        "it may not change the header \(name): who asks, where and by which way stays as it is"
                    )
                }
                after.headers.set(name, headers[name] ?? [])
            }
        case nil, .null?: break
        default: return .unusable("the headers that it answers are no object")
        }
        let changes: [JSONValue] =
            BodyDifference.between(message.headers, after.headers)
            + BodyDifference.between(message.body ?? [:], after.body ?? [:])
        return .proceed(after, changes: changes)
    }
}
