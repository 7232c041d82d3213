import CLinux
import EventLoop
import Glibc
import HostAgentCore
import Limits

/// Carries what comes to a container's published ports into its network, and back.
///
/// Connections are made from inside the container's network, so nothing but a Unix socket's worth of rights is needed. Programs see
/// the container's own address as the peer. Used by a supervisor's one thread.
final class PublishedPorts {
    /// Where inside connections go: the container's address.
    var target: String = "127.0.0.1"
    /// The container's network namespace; -1 for this process's own.
    var network: Int32 = -1

    private let ownNetwork: Int32
    private var listeners: [(descriptor: Int32, port: ContainerPlan.Port)] = []
    private var pairs: [ForwardedPair] = []
    private var flows: [DatagramFlow] = []

    init() { ownNetwork = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) }

    /// Takes all ports, or none.
    ///
    /// - Throws: the sentence for the first that is taken.
    func bind(_ ports: [ContainerPlan.Port]) throws(OperationFailure) {
        for port in ports {
            let descriptor: Int32 = SocketPlace.socket(port.address, isUDP: port.isUDP)
            guard descriptor >= 0, let place = SocketPlace(port.address, port.port) else {
                throw OperationFailure("the address '\(port.address)' of port \(port.port) is none of this host's kind")
            }
            var one: Int32 = 1
            // After a restart of the container its old connections must not be in the way.
            if !port.isUDP { setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4) }
            guard place.bind(descriptor), port.isUDP || listen(descriptor, 256) == 0 else {
                let code: Int32 = errno
                Glibc.close(descriptor)
                throw failure(port, code)
            }
            listeners.append((descriptor, port))
        }
    }

    private func failure(_ port: ContainerPlan.Port, _ code: Int32) -> OperationFailure {
        guard code == EADDRINUSE else {
            return OperationFailure(
                "cannot publish port \(port.port) on \(port.address): \(String(cString: strerror(code)))"
            )
        }
        let holder: PortHolder? = .find(
            address: port.address,
            port: Int(port.port),
            transport: port.isUDP ? .udp : .tcp
        )
        return PortConflict.failure(
            port: Int(port.port),
            transport: port.isUDP ? "udp" : "tcp",
            address: port.address,
            holder: holder.map { SupervisorProcess.container($0.processID) ?? $0.description }
        )
    }

    func close() {
        for listener in listeners { Glibc.close(listener.descriptor) }
        for pair in pairs { pair.close() }
        for flow in flows { flow.close() }
        listeners = []
        pairs = []
        flows = []
    }

    // MARK: The supervisor's loop

    /// What to wait for.
    func interests() -> [pollfd] {
        var entries: [pollfd] = []
        let isFull: Bool = pairs.count >= Limits.hostForwardedConnections
        for listener in listeners where listener.port.isUDP || !isFull {
            entries.append(pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0))
        }
        for pair in pairs { entries += pair.interests() }
        for flow in flows { entries.append(pollfd(fd: flow.descriptor, events: Int16(POLLIN), revents: 0)) }
        return entries
    }

    /// What happened, by descriptor.
    func handle(_ ready: [Int32: Int16]) {
        for pair in pairs { pair.handle(ready) }
        pairs.removeAll(where: \.isOver)
        for flow in flows where ready[flow.descriptor] != nil { flow.answer() }
        let now: Int64 = ShimClock.milliseconds
        flows.removeAll { flow in
            guard flow.isOver(now) else { return false }
            flow.close()
            return true
        }
        for listener in listeners where ready[listener.descriptor] != nil {
            if listener.port.isUDP { takeDatagrams(listener) } else { takeConnections(listener) }
        }
    }

    private func takeConnections(_ listener: (descriptor: Int32, port: ContainerPlan.Port)) {
        while pairs.count < Limits.hostForwardedConnections {
            let outside: Int32 = clinux_accept4(
                listener.descriptor,
                nil,
                nil,
                Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            )
            guard outside >= 0 else { return }
            guard let inside: Int32 = connect(listener.port) else {
                Glibc.close(outside)
                continue
            }
            pairs.append(ForwardedPair(outside: outside, inside: inside))
        }
    }

    private func takeDatagrams(_ listener: (descriptor: Int32, port: ContainerPlan.Port)) {
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        for _ in 0..<64 {
            var sender = SocketPlace()
            let count: Int = sender.receive(listener.descriptor, &bytes)
            guard count >= 0 else { return }
            let flow: DatagramFlow
            if let known = flows.first(where: { $0.listener == listener.descriptor && $0.client == sender }) {
                flow = known
            } else {
                guard flows.count < Limits.hostForwardedFlows, let inside: Int32 = connect(listener.port) else {
                    continue
                }
                flow = DatagramFlow(listener: listener.descriptor, client: sender, descriptor: inside)
                flows.append(flow)
            }
            flow.send(bytes[..<count])
        }
    }

    /// A socket of the container's network that is being connected to the port.
    private func connect(_ port: ContainerPlan.Port) -> Int32? {
        guard let place = SocketPlace(target, port.inside) else { return nil }
        if network >= 0 {
            guard ownNetwork >= 0, clinux_setns(network, Int32(CLINUX_NEWNET)) == 0 else { return nil }
        }
        let descriptor: Int32 = SocketPlace.socket(target, isUDP: port.isUDP)
        let isBegun: Bool = descriptor >= 0 && place.connect(descriptor)
        if network >= 0 {
            // Anything else would publish the next port in the wrong place.
            precondition(
                clinux_setns(ownNetwork, Int32(CLINUX_NEWNET)) == 0,
                "the machine's network cannot be entered again"
            )
        }
        guard isBegun else {
            if descriptor >= 0 { Glibc.close(descriptor) }
            return nil
        }
        return descriptor
    }
}
