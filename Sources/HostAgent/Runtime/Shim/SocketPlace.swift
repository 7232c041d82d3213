import CLinux
import Glibc

/// An address and a port, as the socket calls take them.
struct SocketPlace: Hashable {
    /// `sockaddr_in` or `sockaddr_in6`.
    private var bytes: [UInt8]

    /// Of nobody yet: for ``receive(_:_:)``.
    init() { bytes = [] }

    /// nil when the address is not numeric.
    init?(_ address: String, _ port: UInt16) {
        var four = sockaddr_in()
        four.sin_family = sa_family_t(AF_INET)
        four.sin_port = port.bigEndian
        if inet_pton(AF_INET, address, &four.sin_addr) == 1 {
            bytes = withUnsafeBytes(of: four) { Array($0) }
            return
        }
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = port.bigEndian
        guard inet_pton(AF_INET6, address, &six.sin6_addr) == 1 else { return nil }
        bytes = withUnsafeBytes(of: six) { Array($0) }
    }

    /// That does not block; -1 when there is none to be had.
    static func socket(_ address: String, isUDP: Bool) -> Int32 {
        let kind: __socket_type = isUDP ? SOCK_DGRAM : SOCK_STREAM
        let family: Int32 = address.contains(":") ? AF_INET6 : AF_INET
        let descriptor: Int32 = Glibc.socket(
            family,
            Int32(kind.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
            0
        )
        if family == AF_INET6, descriptor >= 0 {
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, 4)
        }
        return descriptor
    }

    func bind(_ descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { clinux_bind(descriptor, $0.baseAddress, socklen_t($0.count)) == 0 }
    }

    /// Also true when the connection is only on its way.
    func connect(_ descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { clinux_connect(descriptor, $0.baseAddress, socklen_t($0.count)) == 0 }
            || errno == EINPROGRESS
    }

    /// A datagram and, into this value, who sent it; -1 when there is none.
    mutating func receive(_ descriptor: Int32, _ into: inout [UInt8]) -> Int {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count: Int = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &into, into.count, Int32(MSG_DONTWAIT), $0, &length)
            }
        }
        bytes = withUnsafeBytes(of: storage) { Array($0.prefix(Int(length))) }
        return count
    }

    func send(_ descriptor: Int32, _ datagram: ArraySlice<UInt8>) {
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { $0.copyBytes(from: bytes) }
        withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = datagram.withUnsafeBytes {
                    sendto(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT), address, socklen_t(bytes.count))
                }
            }
        }
    }
}
