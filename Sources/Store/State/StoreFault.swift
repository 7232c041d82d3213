/// What went wrong with a file of the store: not the caller's doing, and nothing to retry blindly.
package struct StoreFault: Error, Hashable, Sendable, CustomStringConvertible {
    package var file: String
    package var problem: String
    package var nextStep: String
    /// The disk has no space: what failed may be tried again when there is some.
    package var isOutOfSpace: Bool = false
    /// What the checkpoint holds is not what was written: another copy is needed.
    package var isDamaged: Bool = false

    package var description: String { "\(file): \(problem). \(nextStep)" }
}
