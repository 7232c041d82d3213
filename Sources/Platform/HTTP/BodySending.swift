internal import EventLoop
internal import Synchronization

/// Sends a request with a body that comes piece by piece, while somebody else may read the answer already.
final class BodySending: Sendable {
    private final class Progress: Sendable {
        struct State {
            var isDone: Bool = false
            /// What the body's source threw.
            var fault: (any Error)?
        }
        let state = Mutex<State>(State())
    }

    private let progress: Progress
    private let task: Task<Void, Never>

    /// All of it has been sent.
    var isDone: Bool { progress.state.withLock { $0.isDone } }
    /// Why the body's source gave no more; nil when it did not fail.
    var sourceFault: (any Error)? { progress.state.withLock { $0.fault } }

    /// - Parameter milliseconds: for each piece.
    init(_ head: [UInt8], _ body: BodyStream, to stream: any ByteStream, milliseconds: Int) {
        let progress = Progress()
        self.progress = progress
        task = Task(executorPreference: stream.loop) {
            do {
                try await Self.send(head, body, to: stream, milliseconds, progress)
                progress.state.withLock { $0.isDone = true }
            } catch NetworkFault.system where progress.state.withLock({ $0.fault == nil }) {
                // A server may answer, and close, before it has read a body that it does not want: whoever reads will see.
            } catch {
                // Nobody must take the part for the whole.
                stream.close()
            }
        }
    }

    func cancel() { task.cancel() }

    /// Ends it; nobody reads the body's source any more when this returns.
    func stop() async {
        task.cancel()
        await task.value
    }

    private static func send(
        _ head: [UInt8],
        _ body: BodyStream,
        to stream: any ByteStream,
        _ milliseconds: Int,
        _ progress: Progress
    ) async throws {
        try await stream.writeSteadily(head, milliseconds: milliseconds)
        let writer = HTTPBodyWriter(framing: body.length.map(BodyFraming.length) ?? .chunked) { bytes in
            try await stream.writeSteadily(bytes, milliseconds: milliseconds)
        }
        while let piece: [UInt8] = try await next(body, progress) { try await writer.write(piece) }
        try await writer.finish()
    }

    private static func next(_ body: BodyStream, _ progress: Progress) async throws -> [UInt8]? {
        do {
            return try await body.next()
        } catch {
            progress.state.withLock { $0.fault = error }
            throw error
        }
    }
}
