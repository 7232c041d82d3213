/// Puts services after those they depend on.
enum ServiceOrder {
    /// A stable order: a service moves only behind what it depends on.
    ///
    /// In a circle the order of the files holds, and is told.
    static func sorted(_ services: [ComposeService], _ diagnostics: Diagnostics) -> [ComposeService] {
        var byName: [String: ComposeService] = [:]
        for service in services { byName[service.name] = service }
        var done: Set<String> = []
        var order: [ComposeService] = []
        // Depth first without recursion: a chain may be as long as the file.
        for first in services where !done.contains(first.name) {
            var path: [(service: ComposeService, next: Int)] = [(first, 0)]
            var onPath: Set<String> = [first.name]
            while let (service, next) = path.last {
                guard next < service.dependsOn.count else {
                    path.removeLast()
                    onPath.remove(service.name)
                    if done.insert(service.name).inserted { order.append(service) }
                    continue
                }
                path[path.count - 1].next += 1
                let wanted: String = service.dependsOn[next]
                if onPath.contains(wanted) {
                    diagnostics.warn(
                        service.place,
                        "'\(service.name)' and '\(wanted)' depend on each other: the order of the files holds"
                    )
                } else if let dependency: ComposeService = byName[wanted], !done.contains(wanted) {
                    path.append((dependency, 0))
                    onPath.insert(wanted)
                }
            }
        }
        return order
    }
}
