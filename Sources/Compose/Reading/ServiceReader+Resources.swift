internal import JSON
internal import YAML

extension ServiceReader {
    mutating func readResources() {
        if let entry: Entry = raw.entry(for: "memswap_limit") {
            // -1 is no limit at all.
            let swap: Int64? = entry.value.string == "-1" ? -1 : size(entry)
            launch["memorySwap"] = swap.map { .int($0) }
        }
        readUlimits()
        readDeviceLimits()
    }

    private mutating func readUlimits() {
        guard let entry: Entry = raw.entry(for: "ulimits") else { return }
        guard let members: [(key: YAMLNode, value: YAMLNode)] = entry.value.mapping else {
            return diagnostics.fail(entry.valuePlace, "'ulimits' must be a mapping of names to limits")
        }
        var limits: [JSONValue] = []
        for member in members {
            let name: String = member.key.text ?? ""
            let soft: Int? = (member.value["soft"] ?? member.value).int
            let hard: Int? = (member.value["hard"] ?? member.value["soft"] ?? member.value).int
            guard let soft, let hard else {
                diagnostics.fail(
                    entry.place(of: member.value),
                    "the ulimit '\(name)' must be a whole number, or a mapping of soft and hard"
                )
                continue
            }
            limits.append(["name": .string(name), "soft": .int(Int64(soft)), "hard": .int(Int64(hard))])
        }
        if !limits.isEmpty { launch["ulimits"] = .array(limits) }
    }

    /// `device:value` lists become one map by device.
    private mutating func readDeviceLimits() {
        var options = JSONObject()
        let lists: [(key: String, member: String, isSize: Bool)] = [
            ("blkio_weight_device", "weight", false), ("device_read_bps", "readBps", true),
            ("device_write_bps", "writeBps", true), ("device_read_iops", "readIops", false),
            ("device_write_iops", "writeIops", false),
        ]
        for (key, member, isSize) in lists {
            guard let entry: Entry = raw.entry(for: key) else { continue }
            for (text, node) in texts(entry) {
                let colon: String.Index? = text.lastIndex(of: ":")
                let value: String = colon.map { String(text[text.index(after: $0)...]) } ?? ""
                guard let colon, let number: Int64 = isSize ? Quantity.bytes(value) : Int64(value) else {
                    diagnostics.fail(
                        entry.place(of: node),
                        "'\(key)' has elements such as /dev/sda:\(isSize ? "10m" : "100")"
                    )
                    continue
                }
                let device: String = String(text[..<colon])
                var limits: JSONObject = options[device]?.object ?? JSONObject()
                limits[member] = .int(number)
                options[device] = .object(limits)
            }
        }
        if !options.isEmpty { launch["blkioDeviceOptions"] = .object(options) }
    }

    mutating func readLogging() {
        var driver: String?
        var options: [(key: String, value: String?, node: YAMLNode)] = []
        if let entry: Entry = raw.entry(for: "logging") {
            guard let members: [(key: YAMLNode, value: YAMLNode)] = entry.value.mapping else {
                return diagnostics.fail(entry.valuePlace, "'logging' must be a mapping of driver and options")
            }
            for member in members where !member.value.isNull {
                let inner = Entry(key: member.key, value: member.value, file: entry.file)
                switch member.key.text {
                case "driver": driver = text(inner)
                case "options": options = pairs(inner)
                default:
                    let word: String = member.key.text ?? ""
                    let hint: String = Spelling.hint(for: word, among: ["driver", "options"])
                    diagnostics.fail(inner.keyPlace, "'\(word)' is no key of 'logging'\(hint)")
                }
            }
        }
        if let entry: Entry = raw.entry(for: "log_driver") { driver = text(entry) }
        if let entry: Entry = raw.entry(for: "log_opt") { options = pairs(entry) }
        guard driver?.isEmpty == false || !options.isEmpty else { return }
        var config = JSONObject()
        for option in options { config[option.key] = .string(option.value ?? "") }
        launch["logConfig"] = ["driver": .string(driver ?? ""), "config": .object(config)]
    }

    /// Services keep their containers running by themselves; what says otherwise cannot be kept.
    func readRestart() {
        guard let entry: Entry = raw.entry(for: "restart"), let policy: String = text(entry) else { return }
        switch policy.split(separator: ":").first {
        case "always", "unless-stopped": break
        case "no", "on-failure", "false":
            diagnostics.warn(
                entry.keyPlace,
                "'restart: \(policy)' is not used: a service keeps its containers running; the label "
                    + "io.rancher.container.start_once: 'true' lets them end"
            )
        default:
            let known: [String] = ["no", "always", "on-failure", "unless-stopped"]
            diagnostics.fail(
                entry.valuePlace,
                "'restart' must be one of \(known.joined(separator: ", "))\(Spelling.hint(for: policy, among: known))"
            )
        }
    }
}
