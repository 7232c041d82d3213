import Limits

/// Reads the regular expressions of path templates.
///
/// What can be matched in one pass over the path: literals, `.`, classes, `\d \w \s` and their opposites, groups,
/// alternatives, `* + ?` and counts. Back-references, assertions, flags and named groups are refused: no expression that is
/// accepted can take more than states × bytes steps.
struct PathExpressionReader {
    private let bytes: [UInt8]
    private var position: Int = 0
    private var depth: Int = 0

    private init(_ text: String) { bytes = Array(text.utf8) }

    static func read(_ text: String) throws(PathFault) -> PathExpression {
        var reader = PathExpressionReader(text)
        let result: PathExpression = try reader.alternatives()
        guard reader.position == reader.bytes.count else { throw PathFault("there is a ) without its (") }
        return result
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: Character) -> Bool {
        guard let next, next == byte.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func alternatives() throws(PathFault) -> PathExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Limits.pathExpressionDepth else {
            throw PathFault("groups nest deeper than \(Limits.pathExpressionDepth)")
        }
        var all: [PathExpression] = [try sequence()]
        while take("|") { all.append(try sequence()) }
        return all.count == 1 ? all[0] : .either(all)
    }

    private mutating func sequence() throws(PathFault) -> PathExpression {
        var parts: [PathExpression] = []
        while let byte: UInt8 = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            let atom: PathExpression = try atom()
            parts.append(try quantified(atom))
        }
        return parts.isEmpty ? .empty : parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func quantified(_ atom: PathExpression) throws(PathFault) -> PathExpression {
        let result: PathExpression
        if take("*") {
            result = .repeated(atom, low: 0, high: nil)
        } else if take("+") {
            result = .repeated(atom, low: 1, high: nil)
        } else if take("?") {
            result = .repeated(atom, low: 0, high: 1)
        } else if next == UInt8(ascii: "{") {
            let (low, high): (Int, Int?) = try counts()
            result = .repeated(atom, low: low, high: high)
        } else {
            return atom
        }
        // Taking as little as possible finds the same paths: the whole path must fit either way.
        _ = take("?")
        if let byte: UInt8 = next, [UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?")].contains(byte) {
            throw PathFault("a repetition is repeated; put a group around it")
        }
        return result
    }

    private mutating func counts() throws(PathFault) -> (Int, Int?) {
        position += 1
        let malformed = PathFault("a count is {2}, {2,} or {2,5}, each at most \(Limits.pathExpressionRepeats)")
        guard let low: Int = number(), low <= Limits.pathExpressionRepeats else { throw malformed }
        if take("}") { return (low, low) }
        guard take(",") else { throw malformed }
        if take("}") { return (low, nil) }
        guard let high: Int = number(), high >= low, high <= Limits.pathExpressionRepeats, take("}") else {
            throw malformed
        }
        return (low, high)
    }

    private mutating func number() -> Int? {
        let start: Int = position
        while let byte: UInt8 = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return Int(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func atom() throws(PathFault) -> PathExpression {
        let byte: UInt8 = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "("):
            if take("?"), !take(":") {
                throw PathFault("groups with (? other than (?: are not known here: no assertions, names or flags")
            }
            let inner: PathExpression = try alternatives()
            guard take(")") else { throw PathFault("a ( has no )") }
            return inner
        case UInt8(ascii: "["): return .one(try classMembers())
        case UInt8(ascii: "."): return .one(ByteSet(10...10).inverted)
        case UInt8(ascii: "\\"): return .one(try escaped())
        // The whole path has to fit anyway.
        case UInt8(ascii: "^") where position == 1, UInt8(ascii: "$") where position == bytes.count: return .empty
        case UInt8(ascii: "^"), UInt8(ascii: "$"):
            throw PathFault("^ and $ stand at the ends only: the whole path must fit anyway")
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"):
            throw PathFault("\(Character(Unicode.Scalar(byte))) has nothing before it to repeat")
        default: return .one(ByteSet(byte...byte))
        }
    }

    private mutating func escaped() throws(PathFault) -> ByteSet {
        guard let byte: UInt8 = next else { throw PathFault("it ends in a backslash") }
        position += 1
        switch byte {
        case UInt8(ascii: "d"): return Self.digits
        case UInt8(ascii: "D"): return Self.digits.inverted
        case UInt8(ascii: "w"): return Self.word
        case UInt8(ascii: "W"): return Self.word.inverted
        case UInt8(ascii: "s"): return Self.space
        case UInt8(ascii: "S"): return Self.space.inverted
        case UInt8(ascii: "t"): return ByteSet(9...9)
        case UInt8(ascii: "n"): return ByteSet(10...10)
        case UInt8(ascii: "r"): return ByteSet(13...13)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            throw PathFault("\\\(Character(Unicode.Scalar(byte))) is not known here")
        default: return ByteSet(byte...byte)
        }
    }

    private mutating func classMembers() throws(PathFault) -> ByteSet {
        let isInverted: Bool = take("^")
        var set = ByteSet()
        var isFirst: Bool = true
        while true {
            guard let byte: UInt8 = next else { throw PathFault("a [ has no ]") }
            if byte == UInt8(ascii: "]"), !isFirst { break }
            isFirst = false
            position += 1
            if byte == UInt8(ascii: "["), next == UInt8(ascii: ":") {
                throw PathFault("classes such as [:alpha:] are not known here; write a-zA-Z")
            }
            if byte == UInt8(ascii: "\\") {
                set.formUnion(try escaped())
                continue
            }
            guard byte < 0x80 else { throw PathFault("a class holds ASCII characters only") }
            guard next == UInt8(ascii: "-"), position + 1 < bytes.count, bytes[position + 1] != UInt8(ascii: "]") else {
                set.insert(byte...byte)
                continue
            }
            position += 1
            var end: UInt8 = bytes[position]
            position += 1
            if end == UInt8(ascii: "\\"), let escaped: UInt8 = next {
                end = escaped
                position += 1
            }
            guard end >= byte, end < 0x80 else { throw PathFault("a range in a class ends before it begins") }
            set.insert(byte...end)
        }
        position += 1
        return isInverted ? set.inverted : set
    }

    private static let digits = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))
    private static let word = ByteSet(
        UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "_")...UInt8(ascii: "_")
    )
    private static let space = ByteSet(9...10, 12...13, 32...32)
}
