internal import Synchronization

/// The body of a request that is not there as a whole: whoever takes a piece gets the next one as soon as it has come.
///
/// Used by one task at a time. What nobody takes is not read either, so its sender waits.
package final class BodyStream: Sendable {
    /// The bytes that were announced; nil when only the end will tell.
    package let length: Int?
    private let source: @Sendable () async throws -> [UInt8]?
    private let ended = Atomic<Bool>(false)

    /// - Parameter next: a piece of at least one byte, or nil at the end; not called again after that.
    package init(length: Int?, next: @escaping @Sendable () async throws -> [UInt8]?) {
        self.length = length
        source = next
    }

    /// The next piece, or nil at the end.
    ///
    /// - Throws: ``HTTPRefusal`` for bytes that are no body, ``NetworkFault``, `CancellationError`; it cannot be used after that.
    package func next() async throws -> [UInt8]? {
        guard !ended.load(ordering: .relaxed) else { return nil }
        if let piece: [UInt8] = try await source() { return piece }
        ended.store(true, ordering: .relaxed)
        return nil
    }

    /// All of it.
    ///
    /// - Throws: ``HTTPRefusal`` with 413 as soon as there are more than `limit` bytes, and as ``next()``.
    package func collect(upTo limit: Int) async throws -> [UInt8] {
        guard length ?? 0 <= limit else { throw Self.tooLong(limit) }
        var body: [UInt8] = []
        while let piece: [UInt8] = try await next() {
            guard body.count + piece.count <= limit else { throw Self.tooLong(limit) }
            body.append(contentsOf: piece)
        }
        return body
    }

    private static func tooLong(_ limit: Int) -> HTTPRefusal {
        HTTPRefusal(413, "the body has more than \(limit) bytes")
    }
}
