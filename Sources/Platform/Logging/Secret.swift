/// A value that never shows itself: descriptions, interpolation, `dump` and logs print a mask.
///
/// It is neither `Equatable` nor encodable: secrets are compared as digests, in constant time.
package struct Secret<Value: Sendable>: Sendable {
    private let value: Value

    package init(_ value: Value) {
        self.value = value
    }

    /// The value itself, for the one place that needs it.
    package func reveal() -> Value { value }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "<secret>" }
    package var debugDescription: String { description }
    // Without this, `dump` and `String(reflecting:)` of an enclosing value would walk into `value`.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
