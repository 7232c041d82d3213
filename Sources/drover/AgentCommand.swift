import CLI
import HostAgent
import Logging

/// `agent`: what runs on a host.
enum AgentCommand {
    static let command = Command(
        "agent",
        summary: "run the agent of a host",
        details: """
            Registers this machine as a host of an environment, once, and keeps its containers as the server wants them.
            Containers go on when the agent stops, and when no server is in reach. A registration token comes from
            POST …/projects/<id>/registrationtokens.

            With https the agent trusts the authority whose fingerprint is the fourth part of the token, and no other; it gets
            a certificate and renews it by itself. With http (a development cluster) nothing is protected on the way. It
            learns the addresses of all servers from the first one: more than one --url is for the first contact.
            """,
        options: [
            OptionSpec("url", value: "URL", "where a server answers: https://HOST:PORT; may be repeated"),
            OptionSpec(
                "token",
                value: "TOKEN",
                "the registration token (default: DROVER_TOKEN); needed only the first time"
            ),
            OptionSpec("data", value: "DIR", "where identity and orders are kept"),
            OptionSpec("runtime", value: "NAME", "auto, docker, oci, process or simulated (default auto)"),
            OptionSpec("label", value: "k=v", "a label of the host; may be repeated"),
            OptionSpec("address", value: "IP", "publish ports on this address (default: all)"),
            OptionSpec("name", value: "NAME", "the host's name (default: the machine's)"),
            OptionSpec("images", value: "DIR", "oci, process: archives of images by name (default: DROVER_IMAGES)"),
            OptionSpec("latency", value: "MS", "simulated runtime: how long each step takes"),
        ]
    ) { invocation in
        let configuration: AgentConfiguration = try configuration(invocation)
        do throws(AgentFault) {
            try await Agent.run(configuration, logger: .standard(invocation.environment))
        } catch {
            throw CommandFailure(error.message, exitCode: error.exitCode)
        }
        return 0
    }

    private static func configuration(_ invocation: Invocation) throws -> AgentConfiguration {
        let arguments: ParsedArguments = invocation.arguments
        let addresses: [String] = arguments.values("url")
        guard !addresses.isEmpty else { throw CommandFailure.usage("--url URL is needed") }
        guard let data: String = arguments.value("data") else { throw CommandFailure.usage("--data DIR is needed") }
        guard let runtime = RuntimeChoice(rawValue: arguments.value("runtime") ?? "auto") else {
            throw CommandFailure.usage("--runtime is auto, docker, oci, process or simulated")
        }
        let localImages: String? = arguments.value("images") ?? invocation.environment["DROVER_IMAGES"]
        guard localImages?.hasPrefix("/") != false else {
            throw CommandFailure.usage("--images (or DROVER_IMAGES) is an absolute path; '\(localImages ?? "")' is not")
        }
        var urls: [ServerURL] = []
        for address in addresses {
            do throws(AgentFault) {
                urls.append(try ServerURL(address))
            } catch {
                throw CommandFailure.usage("--url: \(error.message)")
            }
        }
        guard Set(urls.map(\.isSecure)).count == 1 else {
            throw CommandFailure.usage("--url: give https addresses only, or http addresses only")
        }
        var labels: [String: String] = [:]
        for label in arguments.values("label") {
            let pair: [Substring] = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, !pair[0].isEmpty else { throw CommandFailure.usage("--label '\(label)' is not k=v") }
            labels[String(pair[0])] = String(pair[1])
        }
        return AgentConfiguration(
            urls: urls,
            // Command lines can be read by everybody on the machine, environments cannot.
            token: arguments.value("token") ?? invocation.environment["DROVER_TOKEN"],
            dataFolder: data.hasPrefix("/") ? data : "\(invocation.directory)/\(data)",
            runtime: runtime,
            labels: labels,
            address: arguments.value("address"),
            hostname: arguments.value("name"),
            dockerHost: invocation.environment["DOCKER_HOST"],
            localImages: localImages,
            simulatedLatency: .milliseconds(try arguments.count("latency") ?? 0)
        )
    }
}
