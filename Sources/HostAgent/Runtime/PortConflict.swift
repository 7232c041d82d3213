import HostAgentCore

/// The sentence for a host port that somebody holds.
enum PortConflict {
    static func failure(port: Int, transport: String, address: String, holder: String?) -> OperationFailure {
        let by: String =
            holder.map { "by \($0)" } ?? "by another program (ss --listening --processes shows which)"
        return OperationFailure(
            "port \(port)/\(transport) on \(address) is already taken \(by); stop it, or publish another port"
        )
    }
}
