import Glibc
import HostAgentCore
import HostProtocol
import JSON

/// Makes the folder of a container, in a place where nobody takes it for one yet.
struct ContainerMaking {
    let runtime: SupervisedRuntime
    let machine: MachineFindings
    let planner: LaunchPlanner
    /// Where it is made.
    let work: String
    /// Where it will be.
    let folder: ContainerFolder

    private var tool: ImageTool { ImageTool(folder: "\(runtime.options.folder)/images/tmp") }

    func make() async throws(OperationFailure) {
        try FolderTree.make(work)
        var plan: ContainerPlan = try planner.plan().plan
        if let root: String = planner.image.root {
            if planner.isolation == .oci, machine.hasOverlay {
                plan.lower = root
                for name in ["upper", "work", "merged"] { try FolderTree.make("\(work)/\(name)", mode: 0o755) }
                // The root folder of the container is this one's face.
                chmod("\(work)/upper", 0o755)
            } else {
                try await tool.run(
                    "cp",
                    ["--archive", "--reflink=auto", "--no-target-directory", "--", root, "\(work)/rootfs"],
                    "copy image \(planner.members.text("imageUuid") ?? "")"
                )
                // Archives are often made of a folder that only its maker may enter.
                chmod("\(work)/rootfs", 0o755)
                if planner.isolation == .process { PlainRoot.furnish("\(work)/rootfs") }
            }
        } else {
            plan.root = "/"
        }
        if planner.isolation == .oci {
            plan.runtime = machine.runtime
            if let refusal: String = machine.groupRefusal {
                plan.notes.append("no limits are kept: \(refusal)")
            } else {
                plan.cgroup = "/drover/\(planner.hostUUID.prefix(8).filter { $0.isLetter || $0.isNumber })-\(plan.uuid)"
            }
            let mounts: [JSONValue] = try await volumes() + (try files())
            let spec = OCISpec(planner: planner, plan: plan, folder: folder, mounts: mounts)
            try write("config.json", JSONWriter.bytes(try spec.json()))
        }
        try write("plan.json", JSONWriter.bytes(plan.json))
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws(OperationFailure) {
        do {
            try StateFile(path: "\(work)/\(name)", isPrivate: true).write(bytes)
        } catch {
            throw OperationFailure("cannot create container \(planner.spec.name): \(error)", isTransient: true)
        }
    }

    private func bind(_ source: String, _ place: String, _ options: [String]) -> JSONValue {
        [
            "destination": .string(place), "type": "bind", "source": .string(source),
            "options": JSONValue(["rbind"] + options),
        ]
    }

    // MARK: Volumes

    /// `/path` is a volume that goes with the container; `name:/path` stays; `/host:/path` is the machine's; each may end in `:ro`.
    private func volumes() async throws(OperationFailure) -> [JSONValue] {
        var mounts: [JSONValue] = []
        var places: Set<String> = []
        let given: [String] = planner.members.texts("dataVolumes")
        let own: [String] = planner.image.config.volumes.sorted()
        for (index, volume) in (given + own).enumerated() {
            let parts: [String] = volume.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
            let place: String = parts.count > 1 ? parts[1] : parts[0]
            guard place.hasPrefix("/"), parts.count <= 3, !place.split(separator: "/").contains("..") else {
                throw OperationFailure("the volume '\(volume)' is not of the form [source:]/path[:mode]")
            }
            guard places.insert(place).inserted else { continue }
            let modes: [Substring] = parts.count > 2 ? parts[2].split(separator: ",") : []
            let options: [String] = modes.contains("ro") ? ["ro"] : ["rw"]
            if parts.count == 1 {
                let path: String = "volumes/\(index)"
                try await fill("\(work)/\(path)", from: place)
                mounts.append(bind("\(folder.path)/\(path)", place, options))
            } else if parts[0].hasPrefix("/") {
                // The Docker Engine makes what is not there, too.
                if !FolderTree.exists(parts[0]) { try FolderTree.make(parts[0], mode: 0o755) }
                mounts.append(bind(parts[0], place, options))
            } else {
                guard isName(parts[0]) else {
                    throw OperationFailure("'\(parts[0])' is no name of a volume: letters, digits, '.', '_' and '-'")
                }
                let path: String = "\(runtime.options.folder)/volumes/\(parts[0])"
                if !FolderTree.exists(path) { try await fill(path, from: place) }
                mounts.append(bind(path, place, options))
            }
        }
        return mounts
    }

    private func isName(_ text: String) -> Bool {
        !text.hasPrefix(".")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            } && !text.isEmpty
    }

    /// A new volume begins with what the image has in its place.
    private func fill(_ path: String, from place: String) async throws(OperationFailure) {
        try FolderTree.make(FolderTree.parent(of: path), mode: 0o755)
        guard let root: String = planner.image.root, let found: String = FolderInRoot.find(place, in: root) else {
            return try FolderTree.make(path, mode: 0o755)
        }
        let half: String = "\(path).new"
        try FolderTree.remove(half)
        try await tool.run(
            "cp",
            ["--archive", "--no-target-directory", "--", found, half],
            "fill the volume at \(place)"
        )
        guard rename(half, path) == 0 || errno == EEXIST || errno == ENOTEMPTY else {
            throw FolderTree.failure("make", path)
        }
        try FolderTree.remove(half)
    }

    // MARK: Files that every container has of its own

    private func files() throws(OperationFailure) -> [JSONValue] {
        try FolderTree.make("\(work)/etc", mode: 0o755)
        let host: String = planner.hostname
        let domain: String? = planner.members.text("domainName")
        var hosts: String = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
        for extra in planner.members.texts("extraHosts") {
            guard let colon: String.Index = extra.firstIndex(of: ":") else { continue }
            hosts += "\(extra[extra.index(after: colon)...]) \(extra[..<colon])\n"
        }
        let names: String = (domain.map { "\(host).\($0) " } ?? "") + host
        try write("etc/hosts.given", Array((hosts + "@ADDRESS@ \(names)\n").utf8))
        try write("etc/hosts", Array(hosts.utf8))
        try write("etc/hostname", Array("\(host)\n".utf8))
        try write("etc/resolv.conf", Array(resolver().utf8))
        return ["hosts", "hostname", "resolv.conf"].map { name in
            chmod("\(work)/etc/\(name)", 0o644)
            return bind("\(folder.path)/etc/\(name)", "/etc/\(name)", ["rw"])
        }
    }

    private func resolver() -> String {
        let servers: [String] = planner.members.texts("dns")
        let search: [String] = planner.members.texts("dnsSearch")
        let options: [String] = planner.members.texts("dnsOpt")
        var text: String = ""
        if servers.isEmpty {
            let bytes: [UInt8] = ((try? StateFile(path: "/etc/resolv.conf").read()) ?? nil) ?? []
            text = String(decoding: bytes, as: UTF8.self)
            if !search.isEmpty {
                text = text.split(separator: "\n").filter { !$0.hasPrefix("search") }.map { "\($0)\n" }.joined()
            }
        }
        for server in servers { text += "nameserver \(server)\n" }
        if !search.isEmpty { text += "search \(search.joined(separator: " "))\n" }
        if !options.isEmpty { text += "options \(options.joined(separator: " "))\n" }
        return text
    }
}
