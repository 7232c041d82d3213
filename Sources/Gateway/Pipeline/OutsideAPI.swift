import EventLoop
import HTTP
import JSON
import Model
import Store

/// What is answered outside the API's versions, without credentials (contract A1, O19).
enum OutsideAPI {
    static func answer(
        _ arrival: Arrival,
        _ segments: [String],
        _ gateway: Gateway
    ) async -> HTTPResponse? {
        let (request, base): (HTTPRequest, BaseURL) = (arrival.request, arrival.base)
        guard request.method == "GET" || request.method == "HEAD" else { return nil }
        switch segments {
        case []: return versions(base, request, gateway)
        case ["ping"]:
            return HTTPResponse(status: 200, headers: ["Content-Type": "text/plain"], body: Array("pong".utf8))
        case AssertionDesk.path: return gateway.assertions.answer(request)
        case ["v1", "logs"]: return await LogAccess.stream.answer(arrival, gateway)
        case ["v1", "exec"]: return await ExecAccess.stream.answer(arrival, gateway)
        case let catalog where catalog.first == CatalogDoor.name: return CatalogDoor.answer(catalog, base)
        default:
            guard segments.count == 3, APIVersion(rawValue: segments[0]) != nil, segments[1] == "scripts" else {
                return nil
            }
            if segments[2] == "ca.crt", let authority: [UInt8] = gateway.certificates?.authorityCertificate {
                return HTTPResponse(status: 200, headers: ["Content-Type": "text/plain"], body: authority)
            }
            let client = ClientAddress(headers: request.headers, peer: arrival.connection.peer.host)
            return script(segments[2], client, base, gateway)
        }
    }

    /// What a host needs to register, as lines that both a shell and the original agent read: the token is the credential.
    private static func script(
        _ token: String,
        _ client: ClientAddress,
        _ base: BaseURL,
        _ gateway: Gateway
    ) -> HTTPResponse {
        let view: StoreView = gateway.state.store.view
        // Only a text that verified gets into the script, in the one spelling that it can have.
        guard Identify.registration(token, view, gateway.now()) != nil,
            CharacterClass("A-Za-z0-9:").containsAll(of: token)
        else { return .text(404, "There is no such registration token, or it was withdrawn or has expired.") }
        let address: String = "\(ActiveSettings.host(view) ?? base.text)/\(APIPath.currentVersion)"
        let lines: String = """
            #!/bin/sh
            export CATTLE_REGISTRATION_ACCESS_KEY="registrationToken"
            export CATTLE_REGISTRATION_SECRET_KEY="\(token)"
            export CATTLE_URL="\(address)"
            export DETECTED_CATTLE_AGENT_IP="\(client.claimed)"

            """
        return HTTPResponse(
            status: 200,
            headers: ["Content-Type": "text/plain; charset=utf-8"],
            body: Array(lines.utf8)
        )
    }

    private static func versions(_ base: BaseURL, _ request: HTTPRequest, _ gateway: Gateway) -> HTTPResponse {
        let document: JSONValue = .object([
            "type": "collection", "resourceType": "apiVersion",
            "links": ["self": .string("\(base.text)/"), "latest": .string("\(base.text)/\(APIPath.currentVersion)")],
            "actions": [:],
            "data": .array(
                APIVersion.allCases.map { version in
                    [
                        "id": .string(version.rawValue), "type": "apiVersion", "baseType": "apiVersion",
                        "links": ["self": .string("\(base.text)/\(version.rawValue)")], "actions": [:],
                    ]
                }
            ),
        ])
        // Whoever asks for nothing in particular gets the first version, which knew of no other.
        let links = Links(base: base, project: nil, version: .one)
        var response: HTTPResponse = DocumentFormat.response(
            200,
            document,
            to: request,
            links,
            user: nil,
            gateway.state.store.view
        )
        response.headers["X-API-Schemas"] = links.schemas
        response.headers["X-Rancher-Version"] = gateway.policies.snapshot(of: gateway.state.store.view).versionHeader
        return response
    }
}
