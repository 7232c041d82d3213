import Glibc
import HostAgentCore
import TestSupport
import Testing

@testable import HostRuntime

@Suite struct ControlGroupTests {
    @Test(
        arguments: [
            ([:], false, []),
            (["cgroup.controllers": "cpu memory\n"], true, []),
            (["memory/tasks": ""], true, []),
            (["memory/tasks": "", "unified/cgroup.controllers": "\n"], true, []),
            (["memory/tasks": "", "unified/cgroup.controllers": "hugetlb rdma\n"], true, ["hugetlb", "rdma"]),
        ] as [([String: String], Bool, [String])]
    )
    func `what is mounted is seen`(files: [String: String], areMounted: Bool, mixed: [String]) throws {
        let folder = Folder()
        for (name, text) in files {
            for (index, character) in name.enumerated() where character == "/" {
                mkdir("\(folder.path)/\(name.prefix(index))", 0o700)
            }
            try StateFile(path: "\(folder.path)/\(name)").write(Array(text.utf8))
        }
        let groups = ControlGroups(at: folder.path)
        #expect(groups.areMounted == areMounted && groups.mixed == mixed)
        #expect((groups.refusal(of: "runc") == nil) == areMounted)
        #expect((groups.refusal(of: "crun") == nil) == (areMounted && mixed.isEmpty))
        if let first: String = mixed.first {
            #expect(groups.refusal(of: "crun")?.contains("mount -t cgroup -o \(first) cgroup ") == true)
        }
    }
}
