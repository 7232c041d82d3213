import HTTP
import JSON

/// What is answered outside the API's versions, without credentials.
enum OutsideAPI {
    static func answer(
        _ request: HTTPRequest, _ segments: [String], _ base: BaseURL, _ gateway: Gateway
    ) -> HTTPResponse? {
        guard request.method == "GET" || request.method == "HEAD" else { return nil }
        switch segments {
        case []: return json(200, versions(base))
        case ["ping"]: return HTTPResponse(status: 200, headers: ["Content-Type": "text/plain"], body: Array("pong".utf8))
        default: return nil
        }
    }

    private static func versions(_ base: BaseURL) -> JSONValue {
        let version: String = APIPath.currentVersion
        let address: JSONValue = .string("\(base.text)/\(version)")
        return .object([
            "type": "collection", "resourceType": "apiVersion",
            "links": ["self": .string("\(base.text)/"), "latest": address], "actions": [:],
            "data": [
                .object([
                    "id": .string(version), "type": "apiVersion", "baseType": "apiVersion", "links": ["self": address],
                    "actions": [:],
                ])
            ],
        ])
    }

    private static func json(_ status: Int, _ value: JSONValue) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": "application/json; charset=utf-8"], body: JSONWriter.bytes(value))
    }
}
