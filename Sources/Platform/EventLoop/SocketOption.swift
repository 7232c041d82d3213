internal import CLinux
internal import Glibc

/// The socket options that are used.
enum SocketOption {
    /// Small answers leave at once instead of waiting for the last one's acknowledgement.
    static func noDelay(_ descriptor: Int32, family: Int32) {
        guard family != AF_UNIX else { return }
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
    }

    /// A port whose last connections are still fading out may be taken again.
    static func reuseAddress(_ descriptor: Int32) {
        set(descriptor, SOL_SOCKET, SO_REUSEADDR)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
    }
}
