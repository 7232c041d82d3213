/// What a scalar means.
package enum YAMLScalar: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
}

extension YAMLNode {
    /// What this scalar means; nil for a sequence or mapping.
    ///
    /// A quoted scalar is a string. A plain one is read by YAML 1.1's rules as compose files use them: `yes`, `no`,
    /// `on`, `off` are booleans, `0x1F`, `0o17`, `017` and `0b1` are integers; times in sixties (`1:30`) and
    /// dates are strings.
    package var resolved: YAMLScalar? {
        guard case .scalar(let text, let style, let tag) = kind else { return nil }
        switch tag {
        case nil: return style == .quoted ? .string(text) : YAMLScalar(plain: text)
        case "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int": return YAMLScalar(plain: text)
        case "tag:yaml.org,2002:float":
            let value = YAMLScalar(plain: text)
            if case .int(let whole) = value { return .double(Double(whole)) }
            return value
        default: return .string(text)
        }
    }

    /// The text of any scalar as it was written, whatever it means.
    package var text: String? {
        if case .scalar(let text, _, _) = kind { text } else { nil }
    }

    /// The text of a scalar that is not null: numbers and booleans as they were written (`1.10` stays `1.10`).
    package var string: String? { isNull ? nil : text }

    package var int: Int? {
        if case .int(let value) = resolved { value } else { nil }
    }

    package var bool: Bool? {
        if case .bool(let value) = resolved { value } else { nil }
    }

    /// A number, with or without a fraction.
    package var double: Double? {
        switch resolved {
        case .double(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }

    package var isNull: Bool { resolved == .null }
}

extension YAMLScalar {
    var isDouble: Bool {
        if case .double = self { true } else { false }
    }

    init(plain text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": self = .bool(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": self = .bool(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": self = .double(.infinity)
        case "-.inf", "-.Inf", "-.INF": self = .double(-.infinity)
        case ".nan", ".NaN", ".NAN": self = .double(.nan)
        default:
            // Every number begins with one of these; most scalars do not.
            guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else {
                self = .string(text)
                return
            }
            if let value = Self.int(text) {
                self = .int(value)
            } else if Self.isFloat(text), let value = Double(text.filter { $0 != "_" }), value.isFinite {
                self = .double(value)
            } else {
                self = .string(text)
            }
        }
    }

    private static func int(_ text: String) -> Int? {
        var digits: Substring = text[...]
        var sign: String = ""
        if let first = digits.first, first == "-" || first == "+" {
            sign = String(first)
            digits = digits.dropFirst()
        }
        // `_` may part digits, but not begin the number, and a second sign would be Int's to accept.
        guard let first = digits.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
        guard digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else { return nil }
        var radix: Int = 10
        if digits.hasPrefix("0x") {
            (radix, digits) = (16, digits.dropFirst(2))
        } else if digits.hasPrefix("0o") {
            (radix, digits) = (8, digits.dropFirst(2))
        } else if digits.hasPrefix("0b") {
            (radix, digits) = (2, digits.dropFirst(2))
        } else if digits.hasPrefix("0"), digits.utf8.count > 1 {
            radix = 8
        }
        return Int(sign + digits.filter { $0 != "_" }, radix: radix)
    }

    /// `[-+]?(digits(.digits?)? | .digits)([eE][-+]?digits)?`, where `_` may stand between digits.
    private static func isFloat(_ text: String) -> Bool {
        var rest: Substring.UTF8View = text[...].utf8
        func takeDigits() -> Int {
            let run = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_") }
            rest = rest.dropFirst(run.count)
            return run.count { $0 != UInt8(ascii: "_") }
        }
        func take(_ choices: String) -> Bool {
            guard let first = rest.first, choices.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        _ = take("+-")
        guard rest.first != UInt8(ascii: "_") else { return false }
        var digits: Int = takeDigits()
        if take(".") { digits += takeDigits() }
        guard digits > 0 else { return false }
        if take("eE") {
            _ = take("+-")
            guard takeDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
