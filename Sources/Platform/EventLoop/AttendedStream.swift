/// A stream that is used without a task: its loop calls whoever attends to it, who takes and gives what can be had at once.
///
/// A task that waits keeps its frames, some kilobytes; thousands of connections that hardly ever do anything need none. All is
/// called on the loop's thread. Whoever attends is the only one who reads and writes, until the end or until it stops.
package protocol AttendedStream: ByteStream {
    /// Calls `attendant` from now on, until the stream is closed, whenever reading or writing may give something: once soon
    /// in any case, and once at the end. It is held until then.
    ///
    /// - Throws: ``NetworkFault``.
    func attend(_ attendant: any StreamAttendant) throws

    /// Calls nobody any more: a task may use the stream again.
    func stopAttending()

    /// As ``ByteStream/isQuiet()``.
    var isQuietNow: Bool { get }

    /// Appends what has arrived to `buffer`; 0 at the end, nil when nothing is there now.
    ///
    /// - Throws: ``NetworkFault``.
    func readNow(into buffer: ReadBuffer) throws -> Int?

    /// Hands `bytes` to the system behind what it did not take before.
    ///
    /// - Returns: whether it has taken everything; the rest is kept for ``sendRest()``.
    /// - Throws: ``NetworkFault``.
    func sendNow(_ bytes: [UInt8]) throws -> Bool

    /// Goes on with what the system did not take.
    ///
    /// - Returns: whether it has taken everything now.
    /// - Throws: ``NetworkFault``.
    func sendRest() throws -> Bool
}

/// Who attends to a stream.
package protocol StreamAttendant: AnyObject, Sendable {
    /// Reading or writing may give something, be it an error.
    func streamIsReady()
}
