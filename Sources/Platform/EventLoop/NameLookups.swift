internal import CLinux
internal import Glibc
internal import Limits
internal import Synchronization

/// Looks up host names, each on a short-lived thread of its own, because the system's resolver blocks.
final class NameLookups: Sendable {
    private let running = Mutex<Int>(0)

    /// What a lookup thread needs; handed over to it whole.
    private final class Request: Sendable {
        let name: String
        let port: Int
        let done: @Sendable (Result<[SocketAddress], NetworkFault>) -> Void

        init(name: String, port: Int, done: @escaping @Sendable (Result<[SocketAddress], NetworkFault>) -> Void) {
            self.name = name
            self.port = port
            self.done = done
        }
    }

    /// Calls `done` once, on any thread, with at least one address or the reason why there is none.
    ///
    /// Limits: at most ``Limits/nameLookups`` at a time; more are refused.
    func find(_ name: String, port: Int, done: @escaping @Sendable (Result<[SocketAddress], NetworkFault>) -> Void) {
        let accepted: Bool = running.withLock { running in
            guard running < Limits.nameLookups else { return false }
            running += 1
            return true
        }
        guard accepted else {
            return done(.failure(.unknownHost(name: name, cause: "too many name lookups are running; try again")))
        }
        let request = Request(name: name, port: port) { [self] result in
            running.withLock { $0 -= 1 }
            done(result)
        }
        var thread = pthread_t()
        let held: Unmanaged<Request> = .passRetained(request)  // the thread gives it back
        let code: Int32 = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                let request: Request = Unmanaged<Request>.fromOpaque(argument).takeRetainedValue()
                request.done(NameLookups.resolve(request.name, port: request.port))
                return nil
            },
            held.toOpaque()
        )
        if code == 0 {
            pthread_detach(thread)
        } else {
            held.release()
            request.done(.failure(.system(operation: "start a thread to look up", object: name, code: code)))
        }
    }

    private static func resolve(_ name: String, port: Int) -> Result<[SocketAddress], NetworkFault> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code: Int32 = getaddrinfo(name, String(port), &hints, &list)
        guard code == 0 else {
            return .failure(.unknownHost(name: name, cause: String(cString: gai_strerror(code))))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next: UnsafeMutablePointer<addrinfo>? = list
        while let info = next {
            if let address = SocketAddress(info.pointee) { addresses.append(address) }
            next = info.pointee.ai_next
        }
        guard !addresses.isEmpty else { return .failure(.unknownHost(name: name, cause: "it has no address")) }
        return .success(addresses)
    }
}
