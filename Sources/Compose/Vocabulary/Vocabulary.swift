/// Every key that a service may have, and every section that a file may have (contract O21).
///
/// Names that version 1 and version 2 spell differently are all here; a file may use either.
enum Vocabulary {
    static let service: [String: KeyRule] = Dictionary(
        uniqueKeysWithValues: (simple + read + notYet + rancher).map { ($0.name, $0) }
    )

    /// Keys whose value becomes one member as it is.
    private static let simple: [KeyRule] = [
        KeyRule("hostname", .text("hostname"), home: .either),
        KeyRule("domainname", .text("domainName")),
        KeyRule("user", .text("user")),
        KeyRule("working_dir", .text("workingDir")),
        KeyRule("tty", .flag("tty")),
        KeyRule("stdin_open", .flag("stdinOpen")),
        KeyRule("privileged", .flag("privileged")),
        KeyRule("read_only", .flag("readOnly")),
        KeyRule("command", .words("command")),
        KeyRule("entrypoint", .words("entryPoint")),
        KeyRule("expose", .list("expose"), merging: .adds),
        KeyRule("volume_driver", .text("volumeDriver")),
        KeyRule("cap_add", .list("capAdd"), merging: .adds),
        KeyRule("cap_drop", .list("capDrop"), merging: .adds),
        KeyRule("devices", .list("devices"), merging: .adds),
        KeyRule("security_opt", .list("securityOpt"), merging: .adds),
        KeyRule("group_add", .list("groupAdd"), merging: .adds),
        KeyRule("dns", .list("dns"), merging: .adds),
        KeyRule("dns_search", .list("dnsSearch"), merging: .adds),
        KeyRule("dns_opt", .list("dnsOpt"), merging: .adds),
        KeyRule("mem_limit", .size("memory")),
        KeyRule("mem_reservation", .size("memoryReservation")),
        KeyRule("mem_swappiness", .integer("memorySwappiness")),
        KeyRule("shm_size", .size("shmSize")),
        KeyRule("cpu_shares", .integer("cpuShares")),
        KeyRule("cpu_quota", .integer("cpuQuota")),
        KeyRule("cpu_period", .integer("cpuPeriod")),
        KeyRule("cpu_count", .integer("cpuCount")),
        KeyRule("cpu_percent", .integer("cpuPercent")),
        KeyRule("cpuset", .text("cpuSet")),
        KeyRule("blkio_weight", .integer("blkioWeight")),
        KeyRule("pids_limit", .integer("pidsLimit")),
        KeyRule("ipc", .text("ipcMode")),
        KeyRule("uts", .text("uts")),
        KeyRule("userns_mode", .text("usernsMode")),
        KeyRule("isolation", .text("isolation")),
        KeyRule("cgroup_parent", .text("cgroupParent")),
        KeyRule("oom_kill_disable", .flag("oomKillDisable")),
        KeyRule("oom_score_adj", .integer("oomScoreAdj")),
        KeyRule("sysctls", .map("sysctls"), merging: .adds),
        KeyRule("storage_opt", .map("storageOpt"), merging: .adds),
        KeyRule("init", .flag("runInit")),
        KeyRule("stop_signal", .text("stopSignal")),
        KeyRule("stop_grace_period", .seconds("stopTimeout")),
        KeyRule("milli_cpu_reservation", .integer("milliCpuReservation"), home: .rancher),
        KeyRule("drain_timeout_ms", .integer("drainTimeoutMs"), home: .rancher),
    ]

    /// Keys with code of their own.
    private static let read: [KeyRule] = [
        KeyRule("image", .special),
        KeyRule("environment", .special, merging: .adds),
        KeyRule("env_file", .special, merging: .adds),
        KeyRule("labels", .special, merging: .adds),
        KeyRule("ports", .special, merging: .adds),
        KeyRule("volumes", .special, merging: .adds),
        KeyRule("network_mode", .special),
        KeyRule("net", .special),
        KeyRule("pid", .special),
        KeyRule("extra_hosts", .special, merging: .adds),
        KeyRule("memswap_limit", .special),
        KeyRule("blkio_weight_device", .special),
        KeyRule("device_read_bps", .special),
        KeyRule("device_write_bps", .special),
        KeyRule("device_read_iops", .special),
        KeyRule("device_write_iops", .special),
        KeyRule("tmpfs", .special, merging: .adds),
        KeyRule("ulimits", .special),
        KeyRule("logging", .special),
        KeyRule("log_driver", .special),
        KeyRule("log_opt", .special),
        KeyRule("restart", .special),
        KeyRule("depends_on", .special, merging: .adds),
        KeyRule("links", .special, merging: .adds),
        KeyRule("volumes_from", .special, merging: .adds),
        KeyRule("build", .special),
    ]

    /// Keys that the formats have and this version has not.
    private static let notYet: [KeyRule] = [
        KeyRule("external_links", .unsupported("the links are left out")),
        KeyRule("extends", .unsupported("nothing is taken over from the other service")),
        KeyRule("dockerfile", .unsupported("images are not built from source; it is left out")),
        KeyRule("secrets", .unsupported("the container gets no secrets")),
        KeyRule("networks", .unsupported("the container joins the environment's network only")),
        KeyRule("healthcheck", .unsupported("a running container counts as healthy")),
        KeyRule("container_name", .unsupported("containers are named after stack, service and number")),
        KeyRule("mac_address", .unsupported("the container gets an address of its network's choice")),
        KeyRule("blkio_config", .unsupported("write blkio_weight, device_read_bps, … instead; it is left out")),
        KeyRule("cpus", .unsupported("write cpu_quota and cpu_period instead; it is left out")),
        KeyRule("cpu_rt_runtime", .unsupported("it is left out")),
        KeyRule("cpu_rt_period", .unsupported("it is left out")),
        KeyRule("device_cgroup_rules", .unsupported("it is left out")),
        KeyRule("runtime", .unsupported("the host's own runtime is used")),
        KeyRule("platform", .unsupported("it is left out")),
        KeyRule("profiles", .unsupported("the service is always part of the project")),
        KeyRule("configs", .unsupported("the container gets no configs")),
        KeyRule("deploy", .unsupported("it is left out; write scale, mem_limit, … instead")),
        KeyRule("credential_spec", .unsupported("it is left out")),
        KeyRule("pull_policy", .unsupported("images that are absent are pulled")),
    ]

    private static let rancher: [KeyRule] = [
        KeyRule("scale", .special, home: .rancher),
        KeyRule("metadata", .special, home: .rancher),
        KeyRule(
            "health_check",
            .unsupported("a running container counts as healthy"),
            home: .rancher
        ),
        KeyRule("lb_config", .special, home: .rancher),
        KeyRule("scale_policy", .unsupported("scale alone decides"), home: .rancher),
        KeyRule("retain_ip", .unsupported("a replaced container may get another address"), home: .rancher),
        KeyRule("upgrade_strategy", .unsupported("it is left out"), home: .rancher),
        KeyRule("start_on_create", .unsupported("'up' starts every service"), home: .rancher),
        KeyRule("service_schemas", .unsupported("it is left out"), home: .rancher),
        KeyRule("external_ips", .unsupported("external services are not built"), home: .rancher),
        KeyRule("load_balancer_config", .unsupported("load balancers are not built"), home: .rancher),
        KeyRule("default_cert", .unsupported("load balancers are not built"), home: .rancher),
        KeyRule("certs", .unsupported("load balancers are not built"), home: .rancher),
        KeyRule("storage_driver", .unsupported("the containers run, but no driver is registered"), home: .rancher),
        KeyRule("network_driver", .unsupported("the containers run, but no driver is registered"), home: .rancher),
        KeyRule("type", .unsupported("the service runs containers"), home: .rancher),
        KeyRule("vcpu", .unsupported("virtual machines are not built"), home: .rancher),
        KeyRule(
            "memory",
            .unsupported("virtual machines are not built; write mem_limit for a container"),
            home: .rancher
        ),
        KeyRule("userdata", .unsupported("virtual machines are not built"), home: .rancher),
        KeyRule("disks", .unsupported("virtual machines are not built"), home: .rancher),
    ]

    /// Sections of a version 2 file besides `services`; the text says what happens to an unsupported one.
    static let sections: [String: String?] = [
        "version": nil, "services": nil, "volumes": nil, ".catalog": nil, "catalog": nil, "name": nil,
        "networks": "containers join the environment's network only",
        "secrets": "no secrets are created",
        "configs": "no configs are created",
        "hosts": "no hosts are created",
        "dependencies": "no other templates are deployed",
        "containers": "its containers are left out",
        "load_balancers": "its load balancers are left out",
        "storage_drivers": "its drivers are left out",
        "network_drivers": "its drivers are left out",
        "virtual_machines": "its virtual machines are left out",
        "external_services": "its services are left out",
        "aliases": "its aliases are left out",
    ]

    /// Images that stand for a kind of service which no container runs (contract O21).
    static let serviceKinds: [(image: String, kind: String)] = [
        ("rancher/external-service", "an external service"),
        ("rancher/load-balancer-service", "a load balancer"),
        ("rancher/lb-service-haproxy", "a load balancer"),
        ("rancher/dns-service", "a DNS alias"),
    ]
}
