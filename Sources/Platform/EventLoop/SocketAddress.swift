internal import CLinux
internal import Glibc

/// A socket address in the kernel's form.
struct SocketAddress: Sendable {
    private var storage: sockaddr_storage
    private(set) var length: socklen_t

    private init() {
        storage = sockaddr_storage()
        length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    }

    var family: Int32 { Int32(storage.ss_family) }

    /// A numeric host, or nil when `host` is a name.
    init?(literal host: String, port: Int) {
        self.init()
        var four = sockaddr_in()
        if inet_pton(AF_INET, host, &four.sin_addr) == 1 {
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
            set(four)
            return
        }
        var six = sockaddr_in6()
        guard inet_pton(AF_INET6, host, &six.sin6_addr) == 1 else { return nil }
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = UInt16(truncatingIfNeeded: port).bigEndian
        set(six)
    }

    init(unixPath path: String) throws(NetworkFault) {
        self.init()
        var unix = sockaddr_un()
        let bytes: [UInt8] = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: unix.sun_path), !bytes.contains(0) else {
            throw .invalidPath(path)
        }
        unix.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &unix.sun_path) { $0.copyBytes(from: bytes) }
        set(unix)
    }

    /// Copies what `getaddrinfo` returned.
    init?(_ info: addrinfo) {
        self.init()
        guard let address = info.ai_addr, Int(info.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size else {
            return nil
        }
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen)))
        }
        length = info.ai_addrlen
    }

    static func local(of descriptor: Int32) -> SocketAddress? {
        filled { clinux_getsockname(descriptor, $0, $1) }
    }

    static func peer(of descriptor: Int32) -> SocketAddress? {
        filled { clinux_getpeername(descriptor, $0, $1) }
    }

    func withPointer<Result>(_ body: (UnsafeRawPointer) -> Result) -> Result {
        withUnsafePointer(to: storage) { body(UnsafeRawPointer($0)) }
    }

    var endpoint: Endpoint {
        switch family {
        case AF_INET:
            let four: sockaddr_in = read()
            return .tcp(host: text(of: four.sin_addr), port: Int(UInt16(bigEndian: four.sin_port)))
        case AF_INET6:
            let six: sockaddr_in6 = read()
            return .tcp(host: text(of: six.sin6_addr), port: Int(UInt16(bigEndian: six.sin6_port)))
        default:
            let unix: sockaddr_un = read()
            let path: [UInt8] = withUnsafeBytes(of: unix.sun_path) { Array($0.prefix { $0 != 0 }) }
            return .unix(path: String(decoding: path, as: UTF8.self))
        }
    }

    /// The address without its type: a v4-mapped IPv6 address is written as the IPv4 address it is.
    private func text<Address>(of address: Address) -> String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family: Int32 = family
        withUnsafePointer(to: address) { _ = inet_ntop(family, $0, &buffer, socklen_t(buffer.count)) }
        let bytes: [UInt8] = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let text = String(decoding: bytes, as: UTF8.self)
        let mapped: String = "::ffff:"
        return text.hasPrefix(mapped) && text.utf8.contains(UInt8(ascii: "."))
            ? String(text.dropFirst(mapped.count)) : text
    }

    private mutating func set<Address>(_ address: Address) {
        withUnsafeMutableBytes(of: &storage) { target in
            withUnsafeBytes(of: address) { target.copyMemory(from: $0) }
        }
        length = socklen_t(MemoryLayout<Address>.size)
    }

    private func read<Address>() -> Address {
        withUnsafeBytes(of: storage) { $0.loadUnaligned(as: Address.self) }
    }

    private static func filled(
        _ call: (UnsafeMutableRawPointer, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress? {
        var address = SocketAddress()
        var length: socklen_t = address.length
        let code: Int32 = withUnsafeMutablePointer(to: &address.storage) { call(UnsafeMutableRawPointer($0), &length) }
        guard code == 0 else { return nil }
        address.length = length
        return address
    }
}
