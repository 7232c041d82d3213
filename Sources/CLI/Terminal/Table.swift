/// Rows under headings, as wide as the terminal and no wider.
struct Table {
    struct Cell: ExpressibleByStringInterpolation {
        var text: String
        var colour: Colour?

        init(_ text: String, _ colour: Colour? = nil) {
            self.text = text.printable
            self.colour = colour
        }

        init(stringLiteral text: String) { self.init(text) }
    }

    var headings: [String]
    var rows: [[Cell]] = []

    init(_ headings: String...) {
        self.headings = headings
    }

    /// The table as lines, columns two spaces apart.
    ///
    /// Where there is too little room the widest are cut off, with a `…`.
    func text(width: Int?, colour: Bool) -> String {
        let lines: [[Cell]] = [headings.map { Cell($0) }] + rows
        let widths: [Int] = fitted(lines, to: width)
        var out: String = ""
        for cells in lines {
            var line: String = ""
            for (index, cell) in cells.enumerated() {
                let shown: String = cell.text.cut(to: widths[index])
                line += colour ? cell.colour?.around(shown) ?? shown : shown
                guard index + 1 < cells.count else { continue }
                line += String(repeating: " ", count: widths[index] - shown.count + 2)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            out += line + "\n"
        }
        return out
    }

    private func fitted(_ lines: [[Cell]], to width: Int?) -> [Int] {
        var widths: [Int] = headings.indices.map { column in lines.map { $0[column].text.count }.max() ?? 0 }
        guard let width else { return widths }
        let narrowest: Int = 5
        while widths.reduce(2 * (widths.count - 1), +) > width {
            guard let widest: Int = widths.indices.max(by: { widths[$0] < widths[$1] }), widths[widest] > narrowest
            else { break }
            widths[widest] -= 1
        }
        return widths
    }
}

/// How a word stands out on a terminal.
enum Colour: String {
    case green = "32"
    case yellow = "33"
    case red = "31"

    func around(_ text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }

    /// For the state of a resource.
    static func of(state: String, transitioning: String?) -> Colour? {
        if transitioning == "error" || state == "error" || state == "unhealthy" { return .red }
        if transitioning == "yes" || state == "initializing" || state == "degraded" { return .yellow }
        return ["active", "running", "healthy", "started-once"].contains(state) ? .green : nil
    }
}

extension String {
    /// At most `width` characters; what is missing shows as `…`.
    func cut(to width: Int) -> String {
        guard count > width else { return self }
        return width > 0 ? prefix(width - 1) + "…" : ""
    }

    /// The text without what would steer a terminal: what others named must not move the cursor.
    var printable: String {
        guard unicodeScalars.contains(where: { Self.isControl($0) }) else { return self }
        var out: String = ""
        for scalar in unicodeScalars { out.unicodeScalars.append(Self.isControl(scalar) ? " " : scalar) }
        return out
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
