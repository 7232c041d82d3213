internal import Synchronization

/// One line for each of several things that are under way.
///
/// On a terminal the lines change in place; elsewhere each change is a line of its own.
final class Progress: Sendable {
    private struct State {
        var names: [String] = []
        var texts: [String: String] = [:]
        /// Lines that stand on the terminal and are to be written over.
        var drawn: Int = 0
    }

    private let console: Console
    private let state = Mutex<State>(State())

    init(console: Console, names: [String]) {
        self.console = console
        state.withLock { $0.names = names }
    }

    /// Says how it stands with `name`; repeating the same changes nothing.
    func update(_ name: String, _ text: String) {
        let text: String = text.printable
        let shown: String = state.withLock { state in
            guard state.texts[name] != text else { return "" }
            if !state.names.contains(name) { state.names.append(name) }
            state.texts[name] = text
            guard let columns: Int = console.messageColumns() else { return "\(name): \(text)\n" }
            return redraw(&state, columns)
        }
        if !shown.isEmpty { console.writeError(shown) }
    }

    /// A line above the others.
    func note(_ text: String) {
        let shown: String = state.withLock { state in
            guard let columns: Int = console.messageColumns() else { return "\(text)\n" }
            let up: String = Self.up(state.drawn)
            state.drawn = 0
            return "\(up)\u{1B}[J\(text)\n" + redraw(&state, columns)
        }
        console.writeError(shown)
    }

    private func redraw(_ state: inout State, _ columns: Int) -> String {
        let width: Int = state.names.map(\.count).max() ?? 0
        var out: String = Self.up(state.drawn)
        var drawn: Int = 0
        for name in state.names {
            guard let text: String = state.texts[name] else { continue }
            // A line that wraps would be two, and the cursor would come to stand in the wrong one.
            out += "\r" + "\(name.padded(to: width))  \(text)".cut(to: columns - 1) + "\u{1B}[K\n"
            drawn += 1
        }
        state.drawn = drawn
        return out
    }

    private static func up(_ lines: Int) -> String { lines > 0 ? "\u{1B}[\(lines)A" : "" }
}
