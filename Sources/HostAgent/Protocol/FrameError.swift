/// Why bytes are not a frame: which member of which frame is wrong, and what was expected.
package struct FrameError: Error, Equatable, Sendable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) { self.message = message }

    package var description: String { message }
}
