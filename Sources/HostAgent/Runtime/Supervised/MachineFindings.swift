import Glibc
import HostAgentCore
import JSON
import Subprocess

/// What this machine permits and has, found out once per start of the agent.
struct MachineFindings: Sendable {
    /// The OCI runtime's program; empty for plain children.
    var runtime: String = ""
    var hasOverlay: Bool = false
    /// Why no limits are kept; nil when they are.
    var groupRefusal: String?

    /// crun before runc: it starts a container in a third of the time, and also where no control groups can be used.
    ///
    /// One that keeps limits comes before one that does not.
    private static let runtimes: [String] = ["crun", "runc"]

    /// - Throws: what is missing.
    static func find(_ kind: SupervisedKind, _ options: SupervisedOptions) async throws(OperationFailure)
        -> MachineFindings
    {
        let result: SubprocessResult
        do {
            result = try await Subprocess.run(
                SubprocessCommand(options.executable, SupervisorProcess.arguments("check", "\(options.folder)/check"))
            )
        } catch {
            throw OperationFailure("cannot run a supervisor: \(error)")
        }
        guard let answer: JSONValue = try? JSONReader.parse(result.standardOutput), answer.object != nil else {
            throw OperationFailure("cannot run a supervisor: \(result.status) \(result.errorText)")
        }
        var findings = MachineFindings()
        findings.hasOverlay = answer["overlay"]?.string == nil
        guard kind == .oci else { return findings }
        if let refusal: String = answer["namespaces"]?.string {
            throw OperationFailure("this machine permits no namespaces (\(refusal)); root's rights are needed")
        }
        var refusals: [String] = []
        let groups = ControlGroups()
        let keeps: (String) -> Bool = { groups.refusal(of: $0) == nil }
        for name in runtimes.filter(keeps) + runtimes.filter({ !keeps($0) }) {
            guard let path: String = ShimProcess.find(name) else { continue }
            findings.groupRefusal = groups.refusal(of: name)
            if name == "runc", let refusal: String = findings.groupRefusal {
                refusals.append("runc needs control groups: \(refusal)")
                continue
            }
            do {
                let version = try await Subprocess.run(SubprocessCommand(path, ["--version"]))
                guard version.status.isSuccess else {
                    refusals.append("\(path) --version: \(version.status)")
                    continue
                }
                findings.runtime = path
                return findings
            } catch {
                refusals.append("\(error)")
            }
        }
        throw OperationFailure(
            refusals.isEmpty
                ? "neither crun nor runc is installed (apt-get install crun skopeo umoci)"
                : "no OCI runtime works: \(refusals.joined(separator: "; "))"
        )
    }
}
