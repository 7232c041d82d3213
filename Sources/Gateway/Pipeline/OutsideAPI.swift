import HTTP
import JSON
import Store

/// What is answered outside the API's versions, without credentials.
enum OutsideAPI {
    static func answer(
        _ request: HTTPRequest, _ segments: [String], _ base: BaseURL, _ gateway: Gateway
    ) -> HTTPResponse? {
        guard request.method == "GET" || request.method == "HEAD" else { return nil }
        switch segments {
        case []: return json(200, versions(base))
        case ["ping"]: return HTTPResponse(status: 200, headers: ["Content-Type": "text/plain"], body: Array("pong".utf8))
        case ["v1", "logs"]: return LogAccess.stream(request, gateway)
        default:
            guard segments.count == 3, segments[0] == APIPath.currentVersion, segments[1] == "scripts" else { return nil }
            return script(segments[2], base, gateway)
        }
    }

    /// What a host needs to register, as lines that both a shell and the original agent read: the token is the credential.
    private static func script(_ token: String, _ base: BaseURL, _ gateway: Gateway) -> HTTPResponse {
        let view: StoreView = gateway.state.store.view
        guard let key: [UInt8] = ClusterKeys.registration(view), RegistrationToken(verifying: token, key: key) != nil else {
            return .text(404, "There is no such registration token.")
        }
        let address: String = "\(ActiveSettings.host(view) ?? base.text)/\(APIPath.currentVersion)"
        let lines: String = """
            #!/bin/sh
            export CATTLE_REGISTRATION_ACCESS_KEY="registrationToken"
            export CATTLE_REGISTRATION_SECRET_KEY="\(token)"
            export CATTLE_URL="\(address)"

            """
        return HTTPResponse(
            status: 200, headers: ["Content-Type": "text/plain; charset=utf-8"], body: Array(lines.utf8))
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
