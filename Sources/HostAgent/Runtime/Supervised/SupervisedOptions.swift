/// Which of the runtimes that supervise their containers themselves.
package enum SupervisedKind: String, Sendable {
    case oci
    case process
}

/// What such a runtime is told.
package struct SupervisedOptions: Sendable {
    /// Where containers, images and volumes are kept: an absolute path.
    package var folder: String
    package var hostUUID: String
    /// Where ports are published that name no address.
    package var address: String
    /// The executable that becomes a supervisor: this one, by a path that survives its replacement.
    package var executable: String
    /// A folder of `docker save` archives by reference, looked at before a registry is asked.
    package var localImages: String?

    package init(
        folder: String,
        hostUUID: String,
        address: String,
        executable: String = "/proc/self/exe",
        localImages: String? = nil
    ) {
        self.folder = folder
        self.hostUUID = hostUUID
        self.address = address
        self.executable = executable
        self.localImages = localImages
    }
}
