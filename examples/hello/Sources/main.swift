import Glibc

// The smallest web server that tells one container from another. Static, so its image is one file.

/// One answer: who answered, and from where.
func page(host: String) -> String {
    let body = """
        <!doctype html><title>Drover says hello</title>
        <h1>Hello from \(host)</h1>
        <p>This container was placed, started and is watched by Drover.</p>

        """
    return "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: \(body.utf8.count)\r\n"
        + "Connection: close\r\n\r\n" + body
}

func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "somewhere" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// One line on standard output or error, unbuffered.
func say(_ line: String, to descriptor: Int32 = 1) {
    writeAll(descriptor, "hello: \(line)\n")
}

func fail(_ what: String) -> Never {
    say("\(what): \(String(cString: strerror(errno)))", to: 2)
    exit(1)
}

/// Reads until the blank line that ends a request head, or gives up.
func readHead(_ connection: Int32) {
    var head: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while head.count < 64 * 1024 {
        let count: Int = read(connection, &buffer, buffer.count)
        guard count > 0 else { return }
        head.append(contentsOf: buffer[0..<count])
        if head.suffix(4) == [13, 10, 13, 10] { return }
    }
}

/// Writes everything, or gives up when the reader is gone.
func writeAll(_ connection: Int32, _ text: String) {
    var rest: ArraySlice<UInt8> = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count: Int = rest.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}

signal(SIGPIPE, SIG_IGN)
// As the first process of a container it would otherwise be deaf to the request to stop.
signal(SIGTERM) { _ in _exit(0) }
signal(SIGINT) { _ in _exit(0) }

let port = UInt16(CommandLine.arguments.dropFirst().first ?? "8080") ?? 8080
let listener: Int32 = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
guard listener >= 0 else { fail("socket") }
var yes: Int32 = 1
setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
var address = sockaddr_in()
address.sin_family = sa_family_t(AF_INET)
address.sin_port = port.bigEndian
// A runtime that shares the machine's network says which address is this container's.
if let own = getenv("DROVER_ADDRESS"), inet_pton(AF_INET, own, &address.sin_addr) != 1 {
    say("DROVER_ADDRESS=\(String(cString: own)) is no address", to: 2)
    exit(2)
}
let bound: Int32 = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
}
guard bound == 0, listen(listener, 64) == 0 else { fail("port \(port)") }
say("listening on port \(port)")

let answer: String = page(host: hostName())
// A client that says nothing must not keep the others waiting.
var patience = timeval(tv_sec: 5, tv_usec: 0)
while true {
    let connection: Int32 = accept(listener, nil, nil)
    guard connection >= 0 else { continue }
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    readHead(connection)
    writeAll(connection, answer)
    close(connection)
}
