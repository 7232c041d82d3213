import Glibc
import Subprocess
import Testing

/// A page of `docs/runbooks/`: the blocks that an operator types, in order, each with the machine that it is for.
struct Runbook: Sendable {
    struct Block: Sendable {
        /// `node1`, …, or `desk`.
        var machine: String
        var text: String
    }

    let name: String
    let blocks: [Block]

    init(_ name: String) throws {
        self.name = name
        let path: String = "\(Program.repository)/docs/runbooks/\(name).md"
        guard let page: String = Files.read(path) else { throw RigFailure("cannot read \(path)") }
        var blocks: [Block] = []
        var open: Block?
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            // Blocks stand in lists, too.
            var text: Substring = line
            while text.first == " " { text.removeFirst() }
            // So may a list's number stand before them.
            let begin: Substring = text.drop { $0.isNumber || $0 == "." || $0 == " " }
            if begin.hasPrefix("```sh "), open == nil {
                open = Block(machine: String(begin.dropFirst("```sh ".count)), text: "")
            } else if text.hasPrefix("```"), let block: Block = open {
                blocks.append(block)
                open = nil
            } else if open != nil {
                open?.text += text + "\n"
            }
        }
        self.blocks = blocks
    }

    /// Types the blocks from one place of the page to another.
    ///
    /// - Parameter skip: machines of which nothing is left to type on.
    @discardableResult
    func type(_ places: Range<Int>? = nil, on rig: NetRig, except skip: Set<String> = []) async throws -> String {
        var token: String = ""
        var all: String = ""
        for block in blocks[places ?? blocks.indices] where !skip.contains(block.machine) {
            var command: String = ""
            for line in block.text.split(separator: "\n") {
                guard line.hasPrefix("drover server run ") else {
                    command += line + "\n"
                    continue
                }
                if !command.isEmpty { all += try await run(command, block.machine, token, rig) }
                command = ""
                try rig.start(block.machine)
            }
            guard !command.isEmpty else { continue }
            let out: String = try await run(command, block.machine, token, rig)
            all += out
            if command.contains("drover cluster token") {
                token = String(out.split(separator: "\n").last ?? "")
            }
            if command.contains("kill $(cat") {
                try await wait(for: "\(block.machine) to stop") { rig.isDown(block.machine) }
            }
        }
        return all
    }

    private func run(_ command: String, _ machine: String, _ token: String, _ rig: NetRig) async throws -> String {
        // The page's places and addresses are those of this rig.
        let typed: String = command.replacing("/var/lib/drover", with: rig.data(machine))
            .replacing("10.0.0.", with: "10.213.0.").replacing(":9443", with: ":8480").replacing("TOKEN", with: token)
            .replacing("/backups", with: "\(rig.folder)/backups").replacing("/safe", with: "\(rig.folder)/safe")
        let ended: Ended = try await rig.shell(typed, in: machine)
        try #require(ended.code == 0, "\(name), on \(machine):\n\(typed)\n\(ended)")
        return ended.out
    }
}

extension String {
    /// Each occurrence of a text by another one; without Foundation.
    fileprivate func replacing(_ text: String, with other: String) -> String {
        self.split(separator: text, omittingEmptySubsequences: false).joined(separator: other)
    }
}
