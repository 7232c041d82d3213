internal import Bytes
internal import EventLoop
internal import Glibc
internal import HTTP
internal import JSON
internal import Limits
internal import TLS
internal import WebSocket

/// A client of the public API on one connection's terms.
final class APIClient: Sendable {
    let connection: Connection
    let loop: EventLoop
    private let http: HTTPClient

    /// - Throws: ``CommandFailure`` when the authority's file cannot be used.
    init(_ connection: Connection, loop: EventLoop) throws(CommandFailure) {
        self.connection = connection
        self.loop = loop
        guard connection.address.isSecure else {
            http = HTTPClient(loop: loop)
            return
        }
        let context: TLSClientContext = try ServerTrust.context(connection)
        let name: String = connection.address.host
        http = HTTPClient(loop: loop) { endpoint, loop, deadline in
            let plain: any ByteStream = try await loop.connect(to: endpoint, before: deadline)
            return try await context.connect(plain, serverName: name, before: deadline)
        }
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
        let response: HTTPClientResponse = try await answer(to: request)
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

    /// Sends a request whose answer is a file, and hands over its bytes as they come.
    ///
    /// Never asked twice: a file that ends early is an error of the connection.
    func download(_ method: String, _ link: String, _ take: ([UInt8]) throws -> Void) async throws {
        let request = HTTPRequest(method: method, target: target(link), headers: headers)
        var limits = HTTPClientLimits()
        limits.message.bodyBytes = .max
        limits.answerMilliseconds = Limits.backupAnswerSeconds * 1_000
        do {
            let answer: HTTPAnswer = try await http.open(request, to: connection.address.endpoint, limits: limits)
            guard (200..<300).contains(answer.status) else {
                let document: JSONValue? = try? JSONReader.parse(try await answer.collect())
                let path: String = "\(method) \(request.target.prefix { $0 != "?" })"
                throw APIFault.refused(
                    APIFault.Refusal(document, status: answer.status, request: path, credentials: credentials)
                )
            }
            while let piece: [UInt8] = try await answer.next() { try take(piece) }
        } catch {
            throw fault(error)
        }
    }

    /// What only reads is asked again for a moment: a server that restarts, or a node that takes over, is no error.
    private func answer(to request: HTTPRequest) async throws -> HTTPClientResponse {
        var pauses: ArraySlice<Int> = request.method == "GET" ? Self.pauses[...] : []
        while true {
            do {
                return try await http.send(request, to: connection.address.endpoint)
            } catch {
                let fault: any Error = fault(error, request)
                guard case APIFault.unreachable = fault, let pause: Int = pauses.popFirst() else { throw fault }
                try await loop.sleep(milliseconds: pause)
            }
        }
    }

    private static let pauses: [Int] = [100, 200, 400]

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
    ///
    /// - Parameter waitsForSlowPeer: what cannot be sent now, because nobody takes it, is no error for a long time.
    func openSocket(
        _ link: String,
        silenceMilliseconds: Int? = nil,
        waitsForSlowPeer: Bool = false
    ) async throws -> WebSocket {
        var limits = WebSocketLimits()
        limits.silenceMilliseconds = silenceMilliseconds
        if waitsForSlowPeer { limits.writeMilliseconds = Limits.streamPauseSeconds * 1_000 }
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
        if let files = connection.certificate { return "the certificate \(files.certificate)" }
        if connection.accessKey == Connection.loginUser { return "the login from \(connection.keySource)" }
        return connection.accessKey.map { "the access key \($0) (from \(connection.keySource))" }
            ?? "a request without a key to \(connection.address)"
    }

    /// Errors of the connection as errors of the API.
    ///
    /// - Parameter request: one whose fate is not known when its connection broke; nil for one that never changes anything.
    private func fault(_ error: any Error, _ request: HTTPRequest? = nil) -> any Error {
        let server: String = "\(connection.address)"
        let write: String? = request.flatMap { $0.method == "GET" ? nil : "\($0.method) \($0.path)" }
        switch error {
        case is CancellationError, is APIFault: return error
        case let fault as TLSFault where fault.reason != .endedInHandshake:
            return APIFault.untrusted(
                server: server,
                cause: fault.message,
                advice: ServerTrust.advice(fault, connection)
            )
        case is TLSFault: return APIFault.unreachable(server: server, cause: "\(error)", nobodyListens: false)
        case NetworkFault.system(_, _, ECONNREFUSED):
            return APIFault.unreachable(server: server, cause: "\(error)", nobodyListens: true)
        case NetworkFault.system(operation: "connect to", _, _), NetworkFault.unknownHost:
            return APIFault.unreachable(server: server, cause: "\(error)", nobodyListens: false)
        case is NetworkFault:
            return APIFault.unreachable(server: server, cause: "\(error)", nobodyListens: false, unknown: write)
        case HTTPClientFault.badAnswer(_, let cause):
            // A connection that breaks in the middle of an answer looks the same as one that speaks something else.
            return APIFault.unreachable(server: server, cause: cause, nobodyListens: false, unknown: write)
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
    ///
    /// - Parameter given: another connection than the one that the invocation asks for.
    func withClient<Value>(_ given: Connection? = nil, _ body: (APIClient) async throws -> Value) async throws -> Value
    {
        let connection: Connection = try given ?? .find(self)
        let loop: EventLoop = try .start()
        let client: APIClient
        do {
            client = try APIClient(connection, loop: loop)
        } catch {
            await loop.stop()
            throw error
        }
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
