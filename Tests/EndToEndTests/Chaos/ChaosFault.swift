import Glibc
import TestSupport

/// What is done to a cluster while clients use it.
enum ChaosFault: Sendable, Hashable, CustomStringConvertible {
    case kill([String])
    case pause(String)
    /// Reaches nobody, and nobody reaches it.
    case isolate(String)
    /// What the first sends to the second is lost; the other way is not.
    case oneWay(String, String)
    case link(String, String)
    /// Each sees only its neighbours in this order.
    case chain([String])
    case slowDisk(String, milliseconds: Int)
    case hungDisk(String)
    case failingDisk(String)
    case fullDisk(String)
    /// The time of day jumps, and back when the fault ends.
    case clock(String, seconds: Int)

    /// Kinds, as the summary names them.
    enum Kind: String, CaseIterable, Sendable {
        case killLeader = "kill -9 of the leader"
        case killAny = "kill -9 of a node"
        case killAll = "kill -9 of all nodes"
        case pauseLeader = "pause of the leader"
        case pauseAny = "pause of a node"
        case isolateLeader = "leader cut off"
        case isolateAny = "node cut off"
        case oneWay = "one way of one link lost"
        case link = "one link cut"
        case chain = "chain"
        case slowLeader = "slow flushes at the leader"
        case slowAny = "slow flushes at a node"
        case hungLeader = "hung flush at the leader"
        case failing = "failing flush"
        case full = "full disk"
        case clockLeader = "clock of the leader jumps"
        case clockAny = "clock of a node jumps"
    }

    /// One of a kind, drawn.
    static func draw(_ kind: Kind, leader: String, nodes: [String], _ random: inout Seeded) -> ChaosFault {
        func any(_ among: [String]) -> String { among[Int(random.next() % UInt64(among.count))] }
        let node: String = any(nodes)
        let other: String = any(nodes.filter { $0 != node })
        switch kind {
        case .killLeader: return .kill([leader])
        case .killAny: return .kill([node])
        case .killAll: return .kill(nodes)
        case .pauseLeader: return .pause(leader)
        case .pauseAny: return .pause(node)
        case .isolateLeader: return .isolate(leader)
        case .isolateAny: return .isolate(node)
        case .oneWay: return .oneWay(node, other)
        case .link: return .link(node, other)
        case .chain: return .chain(nodes.shuffled(using: &random))
        case .slowLeader: return .slowDisk(leader, milliseconds: 20 + Int(random.next() % 400))
        case .slowAny: return .slowDisk(node, milliseconds: 20 + Int(random.next() % 400))
        case .hungLeader: return .hungDisk(leader)
        case .failing: return .failingDisk(node)
        case .full: return .fullDisk(node)
        case .clockLeader: return .clock(leader, seconds: jump(&random))
        case .clockAny: return .clock(node, seconds: jump(&random))
        }
    }

    /// Up to three hours, either way.
    private static func jump(_ random: inout Seeded) -> Int { Int(random.next() % 21_600) - 10_800 }

    var description: String {
        switch self {
        case .kill(let nodes): "kill -9 \(nodes.joined(separator: ", "))"
        case .pause(let node): "SIGSTOP \(node)"
        case .isolate(let node): "cut off \(node)"
        case .oneWay(let from, let to): "lose what \(from) sends to \(to)"
        case .link(let one, let other): "cut \(one) – \(other)"
        case .chain(let nodes): "chain \(nodes.joined(separator: " – "))"
        case .slowDisk(let node, let milliseconds): "flushes of \(node) take \(milliseconds) ms longer"
        case .hungDisk(let node): "flushes of \(node) hang"
        case .failingDisk(let node): "flushes of \(node) fail"
        case .fullDisk(let node): "the disk of \(node) is full"
        case .clock(let node, let seconds): "the clock of \(node) is \(seconds) s off"
        }
    }
}

extension NetRig {
    func begin(_ fault: ChaosFault, nodes: [String]) async throws {
        switch fault {
        case .kill(let killed): for node in killed where !isDown(node) { try await kill9(node) }
        case .pause(let node): signal(node, SIGSTOP)
        case .isolate(let node):
            // Not by its cable: clients of it are to hear from it what it thinks.
            for other in nodes where other != node {
                try await drop(from: other, to: node)
                try await drop(from: node, to: other)
            }
        case .oneWay(let from, let to): try await drop(from: from, to: to)
        case .link(let one, let other):
            try await drop(from: one, to: other)
            try await drop(from: other, to: one)
        case .chain(let order):
            for (place, node) in order.enumerated() {
                for (far, other) in order.enumerated() where abs(far - place) > 1 {
                    try await drop(from: other, to: node)
                }
            }
        case .slowDisk(let node, let milliseconds):
            try FaultShim.set(.slow(milliseconds: milliseconds), in: faultFile(node))
        case .hungDisk(let node): try FaultShim.set(.hang, in: faultFile(node))
        case .failingDisk(let node): try FaultShim.set(.failFlush(EIO), in: faultFile(node))
        case .fullDisk(let node): try fill(data(node))
        case .clock(let node, let seconds): try FaultShim.set(.clock(seconds: seconds), in: faultFile(node))
        }
    }

    /// Puts everything right, and starts again what has ended.
    func healAll(_ nodes: [String]) async throws {
        for node in nodes {
            signal(node, SIGCONT)
            try await letAll(to: node)
            try FaultShim.set(nil, in: faultFile(node))
            unlink("\(data(node))/filler")
        }
        for node in nodes where isDown(node) { try start(node) }
    }

    /// Takes all space of a file system that is a node's own.
    private func fill(_ folder: String) throws {
        let file: Int32 = open("\(folder)/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        let piece = [UInt8](repeating: 1, count: 1 << 16)
        var size: Int = piece.count
        // To the last byte: a piece that does not fit is halved.
        while size > 0 { if write(file, piece, size) < size { size /= 2 } }
    }
}
