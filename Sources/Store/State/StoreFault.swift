/// What went wrong with a file of the store: not the caller's doing, and nothing to retry blindly.
package struct StoreFault: Error, Hashable, Sendable, CustomStringConvertible {
    package var file: String
    package var problem: String
    package var nextStep: String

    package var description: String { "\(file): \(problem). \(nextStep)" }
}
