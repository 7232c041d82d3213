import HostAgentCore
import HostProtocol
import HTTP
import Limits

/// A container's output, read from the engine as fast as it is asked for.
actor DockerLogSource: LogSource {
    private let answer: HTTPAnswer
    private let name: String
    private let hasTimes: Bool
    private var demultiplexer: LogDemultiplexer
    private var splitters: [LogKind: LineSplitter] = [:]
    private var waiting: [LogPiece] = []
    private var hasEnded: Bool = false

    init(answer: HTTPAnswer, name: String, isTerminal: Bool, hasTimes: Bool) {
        self.answer = answer
        self.name = name
        self.hasTimes = hasTimes
        demultiplexer = LogDemultiplexer(isTerminal: isTerminal)
    }

    func next() async throws(OperationFailure) -> LogPiece? {
        while waiting.isEmpty {
            guard !hasEnded else { return nil }
            try await readOn()
        }
        return waiting.removeFirst()
    }

    nonisolated func close() { answer.close() }

    private func readOn() async throws(OperationFailure) {
        let bytes: [UInt8]?
        do {
            bytes = try await answer.next()
        } catch {
            hasEnded = true
            throw OperationFailure("cannot go on reading the output of \(name): \(error)", isTransient: true)
        }
        guard let bytes else {
            hasEnded = true
            for kind in LogKind.allCases {
                if let line: [UInt8] = splitters[kind]?.finish() { waiting.append(timed(kind, line)) }
            }
            return
        }
        guard let pieces = demultiplexer.add(bytes) else {
            hasEnded = true
            answer.close()
            throw OperationFailure("the engine's output of \(name) is not in the form that its API promises")
        }
        for piece in pieces {
            guard hasTimes else {
                waiting.append(LogPiece(kind: piece.kind, bytes: piece.bytes))
                continue
            }
            var splitter: LineSplitter =
                splitters[piece.kind] ?? LineSplitter(limitBytes: Limits.hostEngineLineBytes)
            for line in splitter.add(piece.bytes) { waiting.append(timed(piece.kind, line)) }
            splitters[piece.kind] = splitter
        }
    }

    /// Each line begins with its time and a space.
    private func timed(_ kind: LogKind, _ line: [UInt8]) -> LogPiece {
        guard let space: Int = line.firstIndex(of: UInt8(ascii: " ")), space <= 40 else {
            return LogPiece(kind: kind, bytes: line)
        }
        return LogPiece(
            kind: kind,
            bytes: Array(line[(space + 1)...]),
            time: String(decoding: line[..<space], as: UTF8.self)
        )
    }
}
