/// The labels by which an agent knows its containers.
enum DockerLabels {
    static let host: String = "io.drover.host.uuid"
    static let instance: String = "io.drover.instance.uuid"
    static let number: String = "io.drover.instance.number"
}

/// The engine's name of a container: `<instance name>.<8 of the host's uuid>.<8 of the instance's uuid>`.
enum DockerName {
    private static let nameBytes: Int = 120

    static func make(instanceName: String, hostUUID: String, instanceUUID: String) -> String {
        var name: String = clean(instanceName.prefix(nameBytes))
        // The engine wants a letter or digit first.
        if name.utf8.first.map({ !isAlphanumeric($0) }) ?? true { name = "i" + name }
        return "\(name).\(clean(hostUUID.prefix(8))).\(clean(instanceUUID.prefix(8)))"
    }

    private static func clean(_ text: Substring) -> String {
        let bytes: [UInt8] = text.utf8.map { byte in
            isAlphanumeric(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F ? byte : 0x5F
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }
}
