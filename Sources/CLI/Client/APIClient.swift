internal import Bytes
internal import EventLoop
internal import Glibc
internal import HTTP
internal import JSON
internal import WebSocket

/// A client of the public API on one connection's terms.
final class APIClient: Sendable {
    let connection: Connection
    let loop: EventLoop
    private let http: HTTPClient

    init(_ connection: Connection, loop: EventLoop) {
        self.connection = connection
        self.loop = loop
        http = HTTPClient(loop: loop)
    }

    func close() { http.close() }

    /// Sends a request and reads the document that answers it.
    ///
    /// `link` is a path below the server's prefix, or an absolute link out of a document.
    ///
    /// - Throws: ``APIFault``, `CancellationError`.
    func send(_ method: String, _ link: String, _ body: JSONValue? = nil) async throws -> JSONObject {
        let target: String = target(link)
        var request = HTTPRequest(method: method, target: target, headers: headers)
        if let body {
            request.headers["Content-Type"] = "application/json"
            request.body = JSONWriter.bytes(body)
        }
        let response: HTTPClientResponse
        do {
            response = try await http.send(request, to: connection.address.endpoint)
        } catch {
            throw fault(error)
        }
        let document: JSONValue? = try? JSONReader.parse(response.body)
        guard (200..<300).contains(response.status) else {
            let path: String = "\(method) \(target.prefix { $0 != "?" })"
            let refusal = APIFault.Refusal(
                document,
                status: response.status,
                request: path,
                credentials: credentials
            )
            throw APIFault.refused(refusal)
        }
        guard let object: JSONObject = document?.object else {
            if response.body.isEmpty { return JSONObject() }
            throw APIFault.notTheAPI(server: "\(connection.address)", cause: "\(target) answers with something else")
        }
        return object
    }

    /// All elements of a collection, page by page.
    func list(_ link: String) async throws -> [JSONObject] {
        var elements: [JSONObject] = []
        var next: String? = link
        while let page: String = next {
            let collection: JSONObject = try await send("GET", page)
            guard let data: [JSONValue] = collection["data"]?.array else {
                throw APIFault.notTheAPI(server: "\(connection.address)", cause: "\(page) is no collection")
            }
            elements += data.compactMap(\.object)
            next = collection["pagination"]?["next"]?.string
            if next == page { break }
        }
        return elements
    }

    /// Opens a WebSocket at a path or link.
    func openSocket(_ link: String, silenceMilliseconds: Int? = nil) async throws -> WebSocket {
        var limits = WebSocketLimits()
        limits.silenceMilliseconds = silenceMilliseconds
        var plain: String = link
        if let scheme = link.firstRange(of: "://"), link.hasPrefix("ws") { plain = "http" + link[scheme.lowerBound...] }
        do {
            return try await WebSocket.connect(
                to: connection.address.endpoint,
                target: target(plain),
                headers: headers,
                client: http,
                limits: limits
            )
        } catch {
            throw fault(error)
        }
    }

    private func target(_ link: String) -> String {
        link.contains("://") ? connection.address.target(of: link) : connection.address.prefix + link
    }

    private var headers: HTTPHeaders {
        var headers: HTTPHeaders = [
            "Host": connection.address.authority, "Accept": "application/json", "User-Agent": "drover",
        ]
        if let access: String = connection.accessKey, let secret: String = connection.secretKey {
            headers["Authorization"] = "Basic \(Base64.encode(Array("\(access):\(secret)".utf8)))"
        }
        return headers
    }

    private var credentials: String {
        connection.accessKey.map { "the access key \($0) (from \(connection.keySource))" }
            ?? "a request without a key to \(connection.address)"
    }

    /// Errors of the connection as errors of the API.
    private func fault(_ error: any Error) -> any Error {
        let server: String = "\(connection.address)"
        switch error {
        case is CancellationError, is APIFault: return error
        case NetworkFault.system(_, _, ECONNREFUSED):
            return APIFault.unreachable(server: server, cause: "\(error)", nobodyListens: true)
        case is NetworkFault: return APIFault.unreachable(server: server, cause: "\(error)", nobodyListens: false)
        case HTTPClientFault.badAnswer(_, let cause):
            // A connection that breaks in the middle of an answer looks the same as one that speaks something else.
            return APIFault.unreachable(server: server, cause: cause, nobodyListens: false)
        case WebSocketFault.refused(let status, let cause):
            let document: JSONValue = ["message": .string(cause)]
            return APIFault.refused(
                APIFault.Refusal(document, status: status, request: "a WebSocket", credentials: credentials)
            )
        case is WebSocketFault:
            return APIFault.unreachable(server: server, cause: "\(error)", nobodyListens: false)
        default: return error
        }
    }
}

extension Invocation {
    /// Makes a client, hands it to `body`, closes it.
    func withClient<Value>(_ body: (APIClient) async throws -> Value) async throws -> Value {
        let connection: Connection = try .find(self)
        let loop: EventLoop = try .start()
        let client = APIClient(connection, loop: loop)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(client))
        } catch {
            result = .failure(error)
        }
        client.close()
        await loop.stop()
        return try result.get()
    }

    /// As ``withClient(_:)``, in the environment that was asked for.
    func withProject<Value>(_ body: (Project) async throws -> Value) async throws -> Value {
        try await withClient { client in try await body(try await .find(client)) }
    }
}
