/// Why something could not be sealed or opened.
package enum CryptoFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// A key has another length than the algorithm's.
    case keyLength(Int, wanted: Int)
    /// Too much for one box, in bytes.
    case tooLong(Int)
    /// Too few bytes to be a box.
    case tooShort(Int)
    /// The box, its key or its binding is not the one it was sealed with.
    case altered

    package var description: String {
        switch self {
        case .keyLength(let count, let wanted): "a key has \(count) bytes, but must have \(wanted)"
        case .tooLong(let count): "\(count) bytes are too many for one sealed box"
        case .tooShort(let count): "\(count) bytes are too few to be a sealed box"
        case .altered:
            "a sealed box does not open: its bytes, its key or what it is bound to differ from the time of sealing"
        }
    }
}
