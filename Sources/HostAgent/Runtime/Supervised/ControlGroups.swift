import HostAgentCore

/// How a machine has its control groups mounted.
struct ControlGroups: Equatable {
    /// Limits can be set by them.
    var areMounted: Bool
    /// Controllers of version 2 beside groups of version 1: crun (1.8) refuses to use either kind then.
    var mixed: [String]

    static let place: String = "/sys/fs/cgroup"

    /// - Parameter place: where they are looked for.
    init(at place: String = Self.place) {
        areMounted = FolderTree.exists("\(place)/cgroup.controllers") || FolderTree.exists("\(place)/memory")
        let file = StateFile(path: "\(place)/unified/cgroup.controllers")
        let text = String(decoding: (try? file.read()).flatMap { $0 } ?? [], as: UTF8.self)
        mixed = text.split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    /// Why that program keeps no limits here, and what to do; nil when it does.
    func refusal(of runtime: String) -> String? {
        guard areMounted else { return "no control groups are mounted at \(Self.place)" }
        guard runtime == "crun", let first: String = mixed.first else { return nil }
        return
            "crun uses no control groups where \(Self.place)/unified has some of them (\(mixed.joined(separator: ", "))): "
            + "mount these beside the others (mkdir \(Self.place)/\(first) && mount -t cgroup -o \(first) cgroup "
            + "\(Self.place)/\(first)), or install runc, and start the agent again"
    }
}
