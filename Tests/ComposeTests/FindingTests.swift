import JSON
import Testing

@testable import Compose

struct FindingTests {
    static let errors: [(String, String)] = [
        ("prots: [80]", "5:5: error: 'prots' is no key of a service (did you mean 'ports'?)"),
        ("enviroment: {}", "5:5: error: 'enviroment' is no key of a service (did you mean 'environment'?)"),
        ("qqqqq: 1", "5:5: error: 'qqqqq' is no key of a service"),
        ("ports: {a: b}", "5:12: error: 'ports' must be a list, not a mapping"),
        ("ports: [[80]]", "5:13: error: an element of 'ports' must be text, not a list"),
        ("ports: [\"0:80\"]", "5:13: error: '0:80' is no port: the host's port must be a number from 1 to 65535"),
        (
            "ports: [80-90]",
            "5:13: error: '80-90' is no port: the container's port must be a number from 1 to 65535; ranges are not supported, write each port"
        ),
        ("tty: maybe", "5:10: error: 'tty' must be true or false, not 'maybe'"),
        ("mem_limit: 64q", "5:16: error: 'mem_limit' must be a size such as 64m or 1g, not '64q'"),
        ("cpu_shares: 1.5", "5:17: error: 'cpu_shares' must be a whole number, not '1.5'"),
        ("hostname: [a]", "5:15: error: 'hostname' must be text, not a list"),
        ("command: echo 'a", "5:14: error: 'command' has a ' that is never closed"),
        ("environment: {A: {b: c}}", "5:22: error: 'A' of 'environment' must be text, not a mapping"),
        ("environment: 5", "5:18: error: 'environment' must be a mapping or a list of key=value, not '5'"),
        ("volumes: [data]", "5:15: error: the volume 'data' must begin with '/': it is a path inside the container"),
        ("volumes: [\"a/b:/c\"]", "5:15: error: the volume 'a/b:/c': write './a/b' for a path, or a name without '/'"),
        (
            "restart: allways",
            "5:14: error: 'restart' must be one of no, always, on-failure, unless-stopped (did you mean 'always'?)"
        ),
        (
            "network_mode: hots",
            "5:19: error: 'network_mode' must be one of managed, bridge, host, none, default, not 'hots' (did you mean 'host'?)"
        ),
        ("pid: mine", "5:10: error: 'pid' can only be host, not 'mine'"),
        ("depends_on: [wbe]", "5:18: error: 'depends_on' names 'wbe', which is no service here (did you mean 'web'?)"),
        (
            "user: ${A:-b}",
            "5:11: error: '${A:…}': defaults and conditions are not supported; write '${A}' and set A in the environment"
        ),
        ("user: a$", "5:11: error: '$' must be followed by the name of a variable; write '$$' for a dollar sign"),
        (
            "ulimits: {nofile: many}",
            "5:23: error: the ulimit 'nofile' must be a whole number, or a mapping of soft and hard"
        ),
    ]

    @Test(arguments: errors)
    func `what is wrong is told with its place`(line: String, message: String) {
        let project: ComposeProject = service(line)
        #expect(project.hasErrors)
        #expect(project.diagnostics.last { $0.severity == .error }?.description == "docker-compose.yml:\(message)")
    }

    static let warnings: [(String, String)] = [
        (
            "links: [db]",
            "5: warning: 'links' is not supported yet: no aliases are made; it is used for the order of creation"
        ),
        ("external_links: [a/b]", "5: warning: 'external_links' is not supported yet: the links are left out"),
        (
            "networks: [a]",
            "5: warning: 'networks' is not supported yet: the container joins the environment's network only"
        ),
        ("scale: 2", "5: warning: 'scale' belongs into rancher-compose.yml; it is used from here all the same"),
        (
            "container_name: x",
            "5: warning: 'container_name' is not supported yet: containers are named after stack, service and number"
        ),
        (
            "network_mode: container:db",
            "5: warning: 'network_mode: container:db' is not supported yet: the container gets an address of its own"
        ),
        (
            "restart: no",
            "5: warning: 'restart: no' is not used: a service keeps its containers running; the label io.rancher.container.start_once: 'true' lets them end"
        ),
        ("user: $NOBODY", "5: warning: the variable 'NOBODY' is not set: nothing is put in its place"),
        (
            "network_mode: vxlan",
            "5: warning: 'network_mode: vxlan' is not supported yet: the container joins the environment's network"
        ),
        ("build: .", "5: warning: 'build' is not supported yet: the image is pulled"),
        (
            "volumes_from: [x]",
            "5: warning: 'volumes_from' is not supported yet: the container gets none of those volumes"
        ),
    ]

    @Test(arguments: warnings)
    func `what is left out or moved is told and the rest is used`(line: String, message: String) {
        let project: ComposeProject = service(line)
        #expect(project.found == ["docker-compose.yml:\(message)"])
        #expect(project.services.map(\.name) == ["web"])
    }

    @Test func `keys in the wrong file are told and used`() throws {
        let both = project("web: {image: a}", rancher: "web:\n  ports: [\"80:80\"]\n  health_check: {port: 80}\n")
        #expect(
            both.found == [
                "rancher-compose.yml:2: warning: 'ports' belongs into docker-compose.yml; it is used from here all the same",
                "rancher-compose.yml:3: warning: 'health_check' is not supported yet: a running container counts as healthy",
            ]
        )
        #expect(try both.launch("web")["ports"] == ["80:80"])
        let scales = project("web: {image: a, scale: 5}", rancher: "web: {scale: 2}")
        #expect(scales.services.first?.service["scale"] == 2)
        #expect(project("services: {web: {image: a, scale: 5}}", role: .combined).found == [])
    }

    @Test func `a service that only rancher-compose has is an error with a hint`() {
        let both = project("web: {image: a}", rancher: "wbe: {scale: 2}")
        #expect(
            both.found == ["rancher-compose.yml:1:1: error: the service 'wbe' has no 'image' (did you mean 'web'?)"]
        )
    }

    @Test func `a build without an image cannot be deployed`() {
        #expect(
            project("web: {build: .}").found == [
                "docker-compose.yml:1:7: error: 'build' is not supported yet: build the image yourself and name it under 'image'"
            ]
        )
    }

    @Test func `load balancers and sidekicks are told`() {
        let text: String = """
            lb: {image: rancher/load-balancer-service, ports: [80]}
            main: {image: a, labels: {io.rancher.sidekicks: "data, log"}}
            data: {image: b}
            """
        let one = project(text)
        #expect(
            one.found == [
                "docker-compose.yml:1: warning: 'lb' is a load balancer, which is not supported yet: the service is left out",
                "docker-compose.yml:3: warning: 'data' is a sidekick of 'main'; sidekicks are not supported yet: it becomes a service of its own",
            ]
        )
        #expect(one.services.map(\.name) == ["main", "data"])
    }

    static let files: [(String, String)] = [
        ("a: [", "docker-compose.yml:2:1: error: "),
        ("{{ if }}\nweb: {}\n", "templates ({{ … }}) are not supported yet"),
        ("- web", "docker-compose.yml:1:1: error: a compose file is a mapping of names to values"),
        ("web: nginx", "docker-compose.yml:1:6: error: the service 'web' must be a mapping of keys to values"),
        ("version: '4'\nservices: {}", "docker-compose.yml:1:10: error: version '4' is not supported; write '2'"),
        ("version: '3.8'\nservices: {}", "docker-compose.yml:1: warning: version '3.8' is read as version 2"),
        (
            "version: '2'\nservies: {}",
            "2:1: error: 'servies' is no section of a compose file (did you mean 'services'?)"
        ),
        ("version: '2'\nsecrets: {}", "2: warning: 'secrets' is not supported yet: no secrets are created"),
        ("version: '2'\nvolumes: {d: {driver: nfs}}", "2: warning: 'driver' of a volume is not supported yet"),
        ("web: {}\nvolumes: {}", "2:1: error: 'volumes' is a section of version 2"),
        ("my_app: {image: a}", "1:1: error: 'my_app' cannot be the name of a service"),
        ("web: {image: a, <<: 1}", "docker-compose.yml:1:"),
        ("web: {image: 'a b'}", "1:14: error: 'image' must be the name of an image"),
    ]

    @Test(arguments: files)
    func `files that cannot be read are told with their place`(text: String, part: String) {
        let project: ComposeProject = project(text)
        #expect(project.found.contains { $0.contains(part) }, "\(project.found)")
    }

    @Test func `an empty project has no services`() {
        for text in ["", "# nothing\n", "version: '2'\n", "version: '2'\nservices:\n"] {
            #expect(project(text).services.isEmpty && project(text).found == [])
        }
    }
}
