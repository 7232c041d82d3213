import CLinux

/// The environment of this process, read once and handed on as a value.
enum ProcessEnvironment {
    static var variables: [String: String] {
        var variables: [String: String] = [:]
        guard var entry = clinux_environ() else { return variables }
        while let text = entry.pointee {
            let pair: [Substring] = String(cString: text).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return variables
    }
}
