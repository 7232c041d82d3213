import EventLoop
import HTTP
import JSON
import Model

/// A line of the access log: one request of a client and its answer, as JSON.
enum AccessLine {
    /// - Parameter since: when it came in, on the monotonic clock.
    static func make(_ arrival: Arrival, _ response: HTTPResponse, now: Int64, since: UInt64) -> [UInt8] {
        let request: HTTPRequest = arrival.request
        let client = ClientAddress(headers: request.headers, peer: arrival.connection.peer.host)
        var line: JSONObject = [
            "time": .string(StoredDate.text(now)), "timeTS": .int(now), "requestId": .string(arrival.id),
            "traceId": .string(TraceContext(request.headers, requestID: arrival.id).traceID),
            "client": .string(client.claimed), "peer": .string(client.peer),
            "account": JSONValue(response.headers["x-api-user-id"]), "project": .null,
            "method": .string(request.method), "target": .string(redacted(request)),
            "protocol": .string(request.protocolName), "status": JSONValue(response.status),
        ]
        if let project: String = response.headers["x-api-account-id"], project != response.headers["x-api-user-id"] {
            line["project"] = .string(project)
        }
        line["requestBytes"] = JSONValue(request.body.count)
        switch response.body {
        case .bytes(let bytes): line["bytes"] = JSONValue(bytes.count)
        case .stream(let length, _): line["bytes"] = length.map { JSONValue($0) } ?? .null
        case .upgrade, .handOver: line["bytes"] = .null
        }
        line["milliseconds"] = .double((Double(MonotonicClock.now - since) / 1e4).rounded() / 100)
        line["agent"] = JSONValue(request.headers["user-agent"].map { String($0.prefix(256)) })
        return JSONWriter.bytes(.object(line))
    }

    /// The target without what stands for somebody: values of a query whose names tell a secret.
    static func redacted(_ request: HTTPRequest) -> String {
        let path = String(request.path.prefix(2_048))
        guard let query: String = request.query else { return path }
        let parts: [String] = query.split(separator: "&", omittingEmptySubsequences: false).map { part in
            guard let equals: Substring.Index = part.firstIndex(of: "=") else { return String(part) }
            let name: Substring = part[..<equals]
            // An escaped name could hide what it is.
            return Masking.isTelling(String(name)) || name.contains("%") || name == "code"
                ? "\(name)=***" : String(part)
        }
        return "\(path)?\(parts.joined(separator: "&").prefix(2_048))"
    }
}
